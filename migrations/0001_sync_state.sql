-- Connectors, and the two tables other services know.
-- Times are unix milliseconds, except where the name or a comment says seconds.

CREATE TABLE connectors (
  id TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  workspace_id TEXT,
  provider TEXT NOT NULL,
  tenant TEXT,                             -- where the account signs in, for providers that have tenants
  account_id TEXT NOT NULL,                -- the provider's stable id of the account
  account_email TEXT,
  status TEXT NOT NULL CHECK (status IN ('active', 'paused', 'reauth_required')),
  refresh_token TEXT,                      -- sealed; NULL when the grant is gone
  scopes TEXT NOT NULL DEFAULT '',         -- granted, space separated
  time_zone TEXT NOT NULL DEFAULT 'UTC',   -- IANA name
  preferences TEXT NOT NULL DEFAULT '{}',  -- JSON
  generation INTEGER NOT NULL DEFAULT 1,   -- counts connections of this account
  refresh_due_at INTEGER,                  -- when cron enqueues the next refresh-token task
  last_used_at INTEGER,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

-- One connector per account, user and workspace: connecting again updates it.
CREATE UNIQUE INDEX connectors_by_account ON connectors (provider, account_id, user_id, COALESCE(workspace_id, ''));
CREATE INDEX connectors_by_user ON connectors (user_id);
CREATE INDEX connectors_by_workspace ON connectors (workspace_id) WHERE workspace_id IS NOT NULL;
CREATE INDEX connectors_by_refresh ON connectors (refresh_due_at) WHERE status = 'active';

-- Times in the next two tables are unix seconds.
CREATE TABLE sync_state (
  connector_id TEXT PRIMARY KEY REFERENCES connectors(id),
  last_sync_cursor TEXT,
  sync_status TEXT CHECK (sync_status IN ('idle','syncing','error')),
  last_error TEXT,
  retry_count INTEGER DEFAULT 0,
  next_retry_at INTEGER,
  updated_at INTEGER NOT NULL DEFAULT (unixepoch())
);

CREATE TABLE oauth_state (
  state TEXT PRIMARY KEY,
  user_id TEXT NOT NULL,
  provider TEXT NOT NULL,
  redirect_uri TEXT NOT NULL,
  scopes TEXT NOT NULL,
  created_at INTEGER NOT NULL DEFAULT (unixepoch()),
  expires_at INTEGER NOT NULL
);
CREATE INDEX oauth_state_by_expiry ON oauth_state (expires_at);
