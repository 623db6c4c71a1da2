-- The calendars of each connector, and holds. Times are unix milliseconds.

CREATE TABLE calendars (
  connector_id TEXT NOT NULL REFERENCES connectors(id),
  calendar_id TEXT NOT NULL,
  name TEXT NOT NULL,
  time_zone TEXT,
  is_primary INTEGER NOT NULL,
  access TEXT NOT NULL CHECK (access IN ('free_busy', 'read', 'write', 'own')),
  selected INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (connector_id, calendar_id)
) STRICT;

CREATE TABLE holds (
  connector_id TEXT NOT NULL,
  hold_id TEXT NOT NULL,                   -- the producer's own
  generation INTEGER NOT NULL DEFAULT 1,   -- counts placements under the same id
  task_id TEXT NOT NULL,                   -- the task that moved it last
  calendar_id TEXT NOT NULL,
  event_id TEXT,
  creation_key TEXT NOT NULL,
  start_at INTEGER NOT NULL,
  end_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  state TEXT NOT NULL CHECK (state IN ('placing', 'held', 'confirming', 'confirmed',
    'cancelling', 'cancelled', 'expired', 'refused')),
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL,
  PRIMARY KEY (connector_id, hold_id)
) STRICT;
CREATE INDEX holds_keeping_slots ON holds (connector_id, start_at, end_at) WHERE state IN ('placing', 'held', 'confirming', 'cancelling');
CREATE INDEX holds_by_expiry ON holds (expires_at) WHERE state IN ('placing', 'held', 'confirming', 'cancelling');
