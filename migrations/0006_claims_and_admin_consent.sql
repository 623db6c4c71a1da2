-- What a provider wants to see proved at the next sign-in of an account whose grant it refused: JSON (OpenID Connect Core
-- section 5.5), no secret. NULL when it asks for nothing in particular.
ALTER TABLE connectors ADD COLUMN claims TEXT;
-- The claims an attempt asks for, so that none is asked for twice in a row.
ALTER TABLE oauth_state ADD COLUMN claims TEXT;
-- 'connect', or 'admin_consent' for an administrator who consents for an organisation: the state of one is worth nothing to
-- the other.
ALTER TABLE oauth_state ADD COLUMN purpose TEXT NOT NULL DEFAULT 'connect';
