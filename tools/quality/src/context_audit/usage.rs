//! What agents used in the last thirty days.

use crewkit_store::token_usage::Filter;
use crewkit_tool::Context;
use jiff::Timestamp;

use super::{Line, Verdict};

const SECTION: &str = "Tokens of 30 days";

const DAYS: i64 = 30;

/// Looks into the database.
pub(super) fn last_month(context: &Context) -> Vec<Line> {
    let store = match context.existing_store() {
        Ok(Some(store)) => store,
        Ok(None) => return vec![Line::new(SECTION, Verdict::Warn, "there is no database")],
        Err(fault) => return vec![Line::new(SECTION, Verdict::Fail, fault.to_string())],
    };
    let since = Timestamp::from_second(context.clock.seconds() - DAYS * 86_400);
    let since = since.map(|since| since.strftime("%Y-%m-%d").to_string()).ok();
    match store.token_usage().used(None, &Filter { since, ..Filter::default() }) {
        Err(fault) => vec![Line::new(SECTION, Verdict::Fail, fault.to_string())],
        Ok(used) => {
            let used = used.into_iter().next().unwrap_or_default();
            let cost = used.cost_usd.map_or_else(|| "cost not known".to_owned(), |cost| format!("${cost:.2}"));
            let text = format!("{} tokens, {cost}, {} sessions", used.input + used.output, used.sessions);
            vec![Line::new(SECTION, Verdict::Pass, text)]
        }
    }
}
