// Every task through the real local queue, for a Microsoft work account west of Greenwich.

import { livingIn, microsoftWork } from "./support/account-kinds.ts";
import { tasksBehave } from "./support/task-behaviours.ts";

tasksBehave(livingIn("America/Los_Angeles", microsoftWork));
