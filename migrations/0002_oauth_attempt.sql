-- What one attempt to connect needs to know when the browser comes back. `state` in oauth_state is the SHA-256 of the
-- value the browser carries, so that reading the table is not enough to finish somebody's attempt.
ALTER TABLE oauth_state ADD COLUMN workspace_id TEXT;
ALTER TABLE oauth_state ADD COLUMN tenant TEXT;
ALTER TABLE oauth_state ADD COLUMN code_verifier TEXT;    -- sealed (RFC 7636)
ALTER TABLE oauth_state ADD COLUMN browser_hash TEXT;     -- SHA-256 of the cookie of the browser that started
ALTER TABLE oauth_state ADD COLUMN consumed_at INTEGER;   -- unix seconds; a state is used once
