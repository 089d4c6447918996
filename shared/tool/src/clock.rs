//! The time, as the database and the chat write it.

use jiff::{Timestamp, tz::TimeZone};

/// Where a tool gets the time from: the system, or a test.
#[derive(Debug, Clone, Copy)]
pub enum Clock {
    /// The system's clock.
    System,
    /// A clock that stands still at this instant.
    Fixed(Timestamp),
}

impl Clock {
    /// The present instant.
    pub fn now(self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(at) => at,
        }
    }

    /// UTC, `YYYY-MM-DD HH:MM:SS`: how the shared database writes times.
    pub fn utc(self) -> String {
        self.now().strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    /// UTC, `YYYY-MM-DDTHH:MM:SSZ`: how rows of register-project and track-plan-change write them.
    pub fn utc_iso(self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// Local time, `YYYY-MM-DDTHH:MM:SS.mmm`: how the chat writes times.
    pub fn local_millis(self) -> String {
        self.now().to_zoned(TimeZone::system()).strftime("%Y-%m-%dT%H:%M:%S.%3f").to_string()
    }

    /// Whole seconds since 1970.
    pub fn seconds(self) -> i64 {
        self.now().as_second()
    }
}

impl Clock {
    /// A time from the database in either of its forms (`YYYY-MM-DD HH:MM:SS`, `YYYY-MM-DDTHH:MM:SS[.fff][Z]`), UTC,
    /// as seconds since 1970; `None` for anything else.
    pub fn parse(text: &str) -> Option<i64> {
        let civil: jiff::civil::DateTime = text.trim().trim_end_matches(['Z', 'z']).parse().ok()?;
        civil.to_zoned(TimeZone::UTC).ok().map(|at| at.timestamp().as_second())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_of_a_time_are_read_alike() {
        let clock = Clock::Fixed(Timestamp::from_second(1_767_323_045).unwrap());
        assert_eq!(clock.utc(), "2026-01-02 03:04:05");
        assert_eq!(clock.utc_iso(), "2026-01-02T03:04:05Z");
        assert_eq!(Clock::parse(&clock.utc()), Some(1_767_323_045));
        assert_eq!(Clock::parse(&clock.utc_iso()), Some(1_767_323_045));
        assert_eq!(Clock::parse("yesterday"), None);
    }
}
