//! What was done with environment files: the table `env_vault_log`.

use rusqlite::OptionalExtension as _;

use crate::{Result, Store};

/// The log of env-vault.
#[derive(Debug, Clone, Copy)]
pub struct EnvVault<'a> {
    store: &'a Store,
}

impl Store {
    /// The log of env-vault.
    pub fn env_vault(&self) -> EnvVault<'_> {
        EnvVault { store: self }
    }
}

impl EnvVault<'_> {
    /// When `project` was last backed up with success, UTC as stored; `None` for never.
    ///
    /// # Errors
    /// See [`crate::Error`].
    pub fn last_backup(self, project: &str) -> Result<Option<String>> {
        let sql = "SELECT MAX(created_at) FROM env_vault_log \
                   WHERE project_id = ?1 AND action = 'backup' AND status = 'success'";
        let found = self.store.read(|connection| connection.query_row(sql, [project], |row| row.get(0)).optional())?;
        Ok(found.flatten())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Settings;

    #[test]
    fn the_newest_good_backup_of_the_project_counts() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("d.db");
        let settings = Settings { path, host: "h".to_owned(), now: "2026-01-02 03:04:05".to_owned() };
        let store = Store::open_or_create(&settings).unwrap();
        assert_eq!(store.env_vault().last_backup("shop").unwrap(), None);
        store
            .connection
            .execute_batch(
                "INSERT INTO env_vault_log (project_id, action, status, created_at) VALUES \
                 ('shop', 'backup', 'success', '2026-01-01 00:00:00'), ('shop', 'backup', 'success', '2025-12-01 00:00:00'), \
                 ('shop', 'backup', 'error', '2026-01-02 00:00:00'), ('shop', 'audit', 'success', '2026-01-02 00:00:00'), \
                 ('web', 'backup', 'success', '2026-01-02 00:00:00')",
            )
            .unwrap();
        assert_eq!(store.env_vault().last_backup("shop").unwrap().as_deref(), Some("2026-01-01 00:00:00"));
    }
}
