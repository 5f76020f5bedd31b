-- A body that was erased is empty; its hash stays, so that a copy of it is still a copy and is not applied again.
ALTER TABLE webhook_events ADD COLUMN erased_sha256 bytea;
