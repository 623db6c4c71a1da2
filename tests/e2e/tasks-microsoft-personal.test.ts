// Every task through the real local queue, for a personal Microsoft account east of Greenwich.

import { livingIn, microsoftPersonal } from "./support/account-kinds.ts";
import { tasksBehave } from "./support/task-behaviours.ts";

tasksBehave(livingIn("Asia/Kolkata", microsoftPersonal));
