//! The base score of a CVSS 3 vector (FIRST, CVSS 3.1 specification, sections 7.1 and 7.4).

/// The base score of `vector`, `CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H`; `None` when it is no whole vector of
/// version 3.
pub(super) fn base_score(vector: &str) -> Option<f64> {
    let metrics = vector.strip_prefix("CVSS:3.0/").or_else(|| vector.strip_prefix("CVSS:3.1/"))?;
    let of = |name: &str| {
        metrics
            .split('/')
            .find_map(|metric| metric.split_once(':').filter(|(key, _)| *key == name))
            .map(|(_, value)| value)
    };
    let changed = match of("S")? {
        "C" => true,
        "U" => false,
        _ => return None,
    };
    let pick = |name: &str, values: &[(&str, f64)]| {
        let value = of(name)?;
        values.iter().find(|(known, _)| *known == value).map(|(_, weight)| *weight)
    };
    let attack = pick("AV", &[("N", 0.85), ("A", 0.62), ("L", 0.55), ("P", 0.2)])?;
    let complexity = pick("AC", &[("L", 0.77), ("H", 0.44)])?;
    let privileges = if changed {
        pick("PR", &[("N", 0.85), ("L", 0.68), ("H", 0.5)])?
    } else {
        pick("PR", &[("N", 0.85), ("L", 0.62), ("H", 0.27)])?
    };
    let interaction = pick("UI", &[("N", 0.85), ("R", 0.62)])?;
    let harm = [("H", 0.56), ("L", 0.22), ("N", 0.0)];
    let (secrecy, integrity, availability) = (pick("C", &harm)?, pick("I", &harm)?, pick("A", &harm)?);
    let base = 1.0 - (1.0 - secrecy) * (1.0 - integrity) * (1.0 - availability);
    let impact = if changed { 7.52 * (base - 0.029) - 3.25 * (base - 0.02).powi(15) } else { 6.42 * base };
    if impact <= 0.0 {
        return Some(0.0);
    }
    let exploitability = 8.22 * attack * complexity * privileges * interaction;
    let sum = impact + exploitability;
    Some(round_up((if changed { 1.08 * sum } else { sum }).min(10.0)))
}

/// Up to one decimal (appendix A of the specification), free of errors of binary fractions.
fn round_up(score: f64) -> f64 {
    let whole = (score * 100_000.0).round();
    if whole % 10_000.0 == 0.0 { whole / 100_000.0 } else { ((whole / 10_000.0).floor() + 1.0) / 10.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_are_those_of_the_specifications_examples() {
        for (vector, wanted) in [
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H", Some(9.8)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N", Some(6.1)),
            ("CVSS:3.0/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H", Some(7.5)),
            ("CVSS:3.1/AV:L/AC:H/PR:L/UI:R/S:U/C:H/I:H/A:H", Some(6.7)),
            ("CVSS:3.1/AV:N/AC:L/PR:L/UI:N/S:C/C:H/I:H/A:H", Some(9.9)),
            ("CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:N", Some(0.0)),
            ("CVSS:4.0/AV:N/AC:L", None),
            ("CVSS:3.1/AV:N/AC:L", None),
            ("", None),
        ] {
            assert_eq!(base_score(vector), wanted, "{vector}");
        }
    }
}
