//! The state of the shared database.

pub mod init_dashboard_db;
pub mod token_report;
