// Every task through the real local queue, for a personal Microsoft account.

import { microsoftPersonal } from "./support/account-kinds.ts";
import { tasksBehave } from "./support/task-behaviours.ts";

tasksBehave(microsoftPersonal);
