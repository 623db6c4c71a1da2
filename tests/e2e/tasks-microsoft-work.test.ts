// Every task through the real local queue, for a Microsoft work account.

import { microsoftWork } from "./support/account-kinds.ts";
import { tasksBehave } from "./support/task-behaviours.ts";

tasksBehave(microsoftWork);
