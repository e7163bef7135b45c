//! The total risk of a key, and what is odd about where it comes from.

use gathering_domain::report::TOTAL_RISKS;

use super::findings::Oddity;
use super::yaml::{Config, Integer, Metadata, Text};

/// What impacts and likelihoods are: from low to critical, as total risks are.
fn is_level(value: i64) -> bool {
    (1..=4).contains(&value)
}

/// The mean of impact and likelihood without its fraction. An impact that the table does not name counts 0; the table's
/// `null` is for keys that have none.
pub(super) fn total_risk(metadata: &Metadata, config: &Config) -> i32 {
    let impact = metadata.impact.clone().unwrap_or_default();
    let impact = config.impact.get(&impact).map_or(0, |impact| impact.value);
    let likelihood = metadata.likelihood.map_or(0, |likelihood| likelihood.value);
    let risk = impact.saturating_add(likelihood) / 2;
    i32::try_from(risk).unwrap_or(if risk < 0 { i32::MIN } else { i32::MAX })
}

/// What is odd about the table of impacts.
pub(super) fn oddities_of_table(config: &Config) -> Vec<Oddity> {
    if config.impact.is_empty() {
        return vec![Oddity::NoImpacts];
    }
    let mut odd: Vec<_> = config
        .impact
        .iter()
        .filter(|(_, impact)| !is_level(impact.value))
        .map(|(Text(name), impact)| Oddity::ImpactRange { name: name.clone(), value: impact.value })
        .collect();
    odd.sort_by_key(ToString::to_string);
    odd
}

/// What is odd about the risk of a key.
pub(super) fn oddities(metadata: &Metadata, config: &Config) -> Vec<Oddity> {
    let mut odd = Vec::new();
    odd.extend(odd_impact(metadata, config));
    odd.extend(odd_likelihood(metadata.likelihood));
    let risk = total_risk(metadata, config);
    if !TOTAL_RISKS.contains(&risk) {
        odd.push(Oddity::TotalRisk { risk });
    }
    odd
}

fn odd_impact(metadata: &Metadata, config: &Config) -> Option<Oddity> {
    if config.impact.is_empty() {
        // Told once, of the table.
        return None;
    }
    let null = Text::default();
    let Some(impact) = &metadata.impact else {
        let counts = config.impact.get(&null).map_or(0, |impact| impact.value);
        return Some(Oddity::NoImpact { counts });
    };
    if config.impact.contains_key(impact) {
        return None;
    }
    if *impact == null {
        return Some(Oddity::NoImpact { counts: 0 });
    }
    let is_similar = |name: &&Text| name.0.trim().eq_ignore_ascii_case(impact.0.trim());
    let similar = config.impact.keys().find(is_similar).map(|Text(name)| name.clone());
    Some(Oddity::UnknownImpact { name: impact.0.clone(), similar })
}

fn odd_likelihood(likelihood: Option<Integer>) -> Option<Oddity> {
    match likelihood {
        None => Some(Oddity::NoLikelihood),
        Some(Integer { value, .. }) if !is_level(value) => Some(Oddity::LikelihoodRange(value)),
        Some(Integer { value, is_whole: false }) => Some(Oddity::LikelihoodFraction(value)),
        Some(_) => None,
    }
}
