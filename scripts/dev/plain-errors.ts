// Loaded before every script (see run.mjs): explained errors are shown without a stack.

import { showExplainedErrorsPlainly } from "../setup/explained-error.mjs";

showExplainedErrorsPlainly();
