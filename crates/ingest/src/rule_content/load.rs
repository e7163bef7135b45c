//! Loading a tree: the rules of both parts, the later of two in directories of the same name.

use std::collections::BTreeMap;
use std::path::Path;

use super::error::TreeError;
use super::findings::LeftOutReason;
use super::loaded::LoadedContent;
use super::rule::Rule;
use super::yaml::{self, Config};
use super::{risk, tree};

/// The file that every tree has at its top.
const CONFIG: &str = "config.yaml";

/// Loads a tree.
pub fn load(root: &Path) -> Result<LoadedContent, TreeError> {
    let path = root.join(CONFIG);
    let text =
        std::fs::read_to_string(&path).map_err(|source| TreeError::Read { path: path.clone(), source })?;
    let config: Config = yaml::parse(&text).map_err(|problem| TreeError::Config { path, problem })?;

    let mut loaded = LoadedContent::default();
    let mut rules: BTreeMap<String, Rule> = BTreeMap::new();
    // In this order: a rule that comes later takes the place of one with the same directory name.
    for part in ["external", "internal"] {
        let scan = tree::scan(root, Path::new(part))?;
        loaded.left_out.extend(scan.left_out);
        for files in scan.rules {
            loaded.warn_of_names(&files);
            let path = files.path.clone();
            match Rule::read(root, &files) {
                Ok(rule) => {
                    if let Some(former) = rules.insert(files.name, rule) {
                        loaded.left_out(former.path, LeftOutReason::Replaced(path));
                    }
                }
                Err(reason) => loaded.left_out(path, reason),
            }
        }
    }
    for rule in rules.into_values() {
        rule.serve(&config, &mut loaded);
    }
    if !loaded.content.is_empty() {
        loaded.warn(Path::new(CONFIG), risk::oddities_of_table(&config));
    }
    Ok(loaded)
}
