-- The task ledger (G1) and the outbox of notifications (G2). Times are unix milliseconds.

CREATE TABLE tasks (
  connector_id TEXT NOT NULL,              -- as the message had it; may name a connector that does not exist
  task_id TEXT NOT NULL,                   -- the producer's idempotency key, or the message's id
  type TEXT NOT NULL,
  user_id TEXT,                            -- the connector's owner when the task was taken, so that isolation outlives it
  workspace_id TEXT,
  payload TEXT NOT NULL,                   -- JSON, as sent
  payload_hash TEXT NOT NULL,              -- one id means one payload
  correlation_id TEXT,
  state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'succeeded', 'failed', 'dead')),
  attempts INTEGER NOT NULL DEFAULT 0,
  run INTEGER NOT NULL DEFAULT 1,          -- counts replays
  claim TEXT,                              -- who runs it now
  claimed_until INTEGER,                   -- when that claim lapses
  due_at INTEGER NOT NULL,                 -- when the queue should deliver it (again); long past: it is sent again
  result TEXT,                             -- JSON
  error TEXT,                              -- JSON {code, message, field?, retryable}
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (connector_id, task_id)
) STRICT;
CREATE INDEX tasks_by_id ON tasks (task_id);
CREATE INDEX tasks_due ON tasks (due_at) WHERE state IN ('queued', 'running');
CREATE INDEX tasks_finished ON tasks (updated_at) WHERE state IN ('succeeded', 'failed', 'dead');

CREATE TABLE outbox (
  sequence INTEGER PRIMARY KEY AUTOINCREMENT,
  id TEXT NOT NULL UNIQUE,                 -- the CloudEvent's id
  connector_id TEXT NOT NULL,
  user_id TEXT,
  workspace_id TEXT,
  type TEXT NOT NULL,
  body TEXT NOT NULL,                      -- the CloudEvent, JSON
  created_at INTEGER NOT NULL,
  sent_at INTEGER                          -- NULL until notify-tasks took it
) STRICT;
CREATE INDEX outbox_unsent ON outbox (created_at) WHERE sent_at IS NULL;
CREATE INDEX outbox_by_connector ON outbox (connector_id, sequence);
