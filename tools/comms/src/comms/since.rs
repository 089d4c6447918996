//! Times that people give, and times before now, in the chat's form: local time, `YYYY-MM-DDTHH:MM:SS.mmm`.

use crewkit_tool::Context;
use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Zoned};

/// The local time `minutes` before now; the beginning of time when there is no such.
pub(super) fn minutes_ago(context: &Context, minutes: i64) -> String {
    before(context, minutes.saturating_mul(60)).map_or_else(String::new, |at| form(at.datetime()))
}

/// The time that `text` means: a time of today, a date, both, or so long ago (`30m`, `2h`, `3d`).
pub(super) fn local(context: &Context, text: &str) -> Option<String> {
    let text = text.trim();
    for (unit, seconds) in [('m', 60), ('h', 3_600), ('d', 86_400)] {
        if let Some(number) = text.strip_suffix(unit).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))
        {
            let ago = number.parse::<i64>().ok()?.checked_mul(seconds)?;
            return Some(form(before(context, ago)?.datetime()));
        }
    }
    if text.len() <= "15:04:05".len()
        && let Ok(time) = text.parse::<Time>()
    {
        return Some(form(before(context, 0)?.date().to_datetime(time)));
    }
    if let Ok(date) = text.parse::<Date>()
        && text.len() == "2026-01-31".len()
    {
        return Some(form(date.to_datetime(Time::midnight())));
    }
    text.parse::<DateTime>().ok().map(form)
}

fn before(context: &Context, seconds: i64) -> Option<Zoned> {
    let at = context.clock.now().checked_sub(SignedDuration::from_secs(seconds)).ok()?;
    Some(at.to_zoned(TimeZone::system()))
}

fn form(at: DateTime) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%3f").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crewkit_tool::{Clock, Script};

    #[test]
    fn times_are_read_in_their_usual_forms() {
        let now: DateTime = "2026-03-01T12:34:56".parse().unwrap();
        let clock = Clock::Fixed(now.to_zoned(TimeZone::system()).unwrap().timestamp());
        let context =
            Context::scripted(Script { environment: [].into(), directory: "/".into(), clock, stdin: Vec::new() });
        for (text, wanted) in [
            ("30m", Some("2026-03-01T12:04:56.000")),
            ("2h", Some("2026-03-01T10:34:56.000")),
            ("1d", Some("2026-02-28T12:34:56.000")),
            ("09:05", Some("2026-03-01T09:05:00.000")),
            ("2026-01-31", Some("2026-01-31T00:00:00.000")),
            ("2026-01-31T09:05", Some("2026-01-31T09:05:00.000")),
            ("2026-01-31 09:05:06", Some("2026-01-31T09:05:06.000")),
            ("yesterday", None),
            ("", None),
            ("99999999999999d", None),
            ("-5m", None),
        ] {
            assert_eq!(local(&context, text).as_deref(), wanted, "{text}");
        }
        assert_eq!(minutes_ago(&context, 10), "2026-03-01T12:24:56.000");
        assert_eq!(minutes_ago(&context, i64::MAX), "");
    }
}
