-- How many tasks and connectors there are, kept by triggers, so that nobody has to count the tables themselves; and indexes
-- for what was found by going through a whole table.

CREATE TABLE task_counts (
  type TEXT NOT NULL,
  state TEXT NOT NULL,
  tasks INTEGER NOT NULL,                  -- may be 0
  PRIMARY KEY (type, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE connector_counts (
  provider TEXT NOT NULL,
  status TEXT NOT NULL,
  connectors INTEGER NOT NULL,             -- may be 0
  PRIMARY KEY (provider, status)
) STRICT, WITHOUT ROWID;

INSERT INTO task_counts SELECT type, state, count(*) FROM tasks GROUP BY type, state;
INSERT INTO connector_counts SELECT provider, status, count(*) FROM connectors GROUP BY provider, status;

-- One line each, in capitals, with one statement inside: the service that applies this remotely takes files apart in a way of
-- its own and fails at triggers of other forms, which local databases take.
CREATE TRIGGER tasks_inserted AFTER INSERT ON tasks BEGIN INSERT INTO task_counts VALUES (NEW.type, NEW.state, 1) ON CONFLICT DO UPDATE SET tasks = tasks + excluded.tasks; END;
CREATE TRIGGER tasks_deleted AFTER DELETE ON tasks BEGIN INSERT INTO task_counts VALUES (OLD.type, OLD.state, -1) ON CONFLICT DO UPDATE SET tasks = tasks + excluded.tasks; END;
CREATE TRIGGER tasks_moved AFTER UPDATE OF type, state ON tasks WHEN (OLD.type, OLD.state) <> (NEW.type, NEW.state) BEGIN INSERT INTO task_counts VALUES (OLD.type, OLD.state, -1), (NEW.type, NEW.state, 1) ON CONFLICT DO UPDATE SET tasks = tasks + excluded.tasks; END;
CREATE TRIGGER connectors_inserted AFTER INSERT ON connectors BEGIN INSERT INTO connector_counts VALUES (NEW.provider, NEW.status, 1) ON CONFLICT DO UPDATE SET connectors = connectors + excluded.connectors; END;
CREATE TRIGGER connectors_deleted AFTER DELETE ON connectors BEGIN INSERT INTO connector_counts VALUES (OLD.provider, OLD.status, -1) ON CONFLICT DO UPDATE SET connectors = connectors + excluded.connectors; END;
CREATE TRIGGER connectors_moved AFTER UPDATE OF provider, status ON connectors WHEN (OLD.provider, OLD.status) <> (NEW.provider, NEW.status) BEGIN INSERT INTO connector_counts VALUES (OLD.provider, OLD.status, -1), (NEW.provider, NEW.status, 1) ON CONFLICT DO UPDATE SET connectors = connectors + excluded.connectors; END;

CREATE INDEX tasks_waiting ON tasks (created_at) WHERE state = 'queued';
CREATE INDEX tasks_dead ON tasks (updated_at) WHERE state = 'dead';
CREATE INDEX outbox_sent ON outbox (created_at) WHERE sent_at IS NOT NULL;
-- Each of these holds the sequence as well.
CREATE INDEX outbox_by_user ON outbox (user_id) WHERE user_id IS NOT NULL;
CREATE INDEX outbox_by_workspace ON outbox (workspace_id) WHERE workspace_id IS NOT NULL;
-- In the order in which they are listed.
DROP INDEX connectors_by_user;
CREATE INDEX connectors_by_user ON connectors (user_id, id);
DROP INDEX connectors_by_workspace;
CREATE INDEX connectors_by_workspace ON connectors (workspace_id, id) WHERE workspace_id IS NOT NULL;
