//! The fast parser: complete reports without any error, read in one pass. Any other report is an error here, and is parsed
//! again by `report::hits`, which finds out what is wrong.
//!
//! One parser for both was tried. It has to scan a report before it reads it, which took 1.3 times the instructions of a
//! message and a sixth of the rate of bodies over HTTP.

use std::fmt;

use gathering_domain::rule::RuleHit;
use serde::de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::element::{Element, Hit, Info};
use super::hit_set::HitSet;
use crate::message::text::{Spelled, Text};
use crate::message::warning::Warnings;

/// A report without any error. It has to be read from a text, since it does not check whether skipped values are UTF-8.
pub(crate) struct WholeReport {
    /// The hits in the order of the message, each once.
    pub(crate) hits: Vec<RuleHit>,
    pub(crate) warnings: Warnings,
}

impl<'de> Deserialize<'de> for WholeReport {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ReportVisitor;
        impl<'de> Visitor<'de> for ReportVisitor {
            type Value = WholeReport;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a whole report")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<WholeReport, A::Error> {
                let (mut report, mut has_fingerprints, mut has_system) = (None, false, false);
                while let Some(Spelled(Text(key))) = map.next_key()? {
                    match &*key {
                        "reports" => {
                            let Hits(report_of_these) = map.next_value()?;
                            report = Some(report_of_these);
                            continue;
                        }
                        "info" => {
                            let Infos = map.next_value()?;
                            continue;
                        }
                        "fingerprints" => has_fingerprints = true,
                        "system" => has_system = true,
                        _ => {}
                    }
                    let IgnoredAny = map.next_value()?;
                }
                report
                    .filter(|_| has_fingerprints && has_system)
                    .ok_or_else(|| Error::custom("the report is not whole"))
            }
        }
        deserializer.deserialize_map(ReportVisitor)
    }
}

/// The list of hits.
struct Hits(WholeReport);

impl<'de> Deserialize<'de> for Hits {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HitsVisitor;
        impl<'de> Visitor<'de> for HitsVisitor {
            type Value = WholeReport;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of hits")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<WholeReport, A::Error> {
                let (mut found, mut warnings) = (HitSet::default(), Warnings::default());
                while let Some(Element(hit)) = list.next_element::<Element<Hit<'_>>>()? {
                    found.add(&hit, &mut warnings);
                }
                Ok(WholeReport { hits: found.into_hits(&mut warnings), warnings })
            }
        }
        deserializer.deserialize_seq(HitsVisitor).map(Self)
    }
}

/// The list of information, which is checked and not kept.
struct Infos;

impl<'de> Deserialize<'de> for Infos {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InfosVisitor;
        impl<'de> Visitor<'de> for InfosVisitor {
            type Value = Infos;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of information")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Infos, A::Error> {
                while list.next_element::<Element<Info>>()?.is_some() {}
                Ok(Infos)
            }
        }
        deserializer.deserialize_seq(InfosVisitor)
    }
}
