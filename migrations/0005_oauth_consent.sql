-- Whether this attempt already asked for consent anew: an attempt that ends without a refresh token is made once more
-- with the consent page, and never a third time.
ALTER TABLE oauth_state ADD COLUMN consent_forced INTEGER NOT NULL DEFAULT 0;
