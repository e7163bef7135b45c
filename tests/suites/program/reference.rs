//! The pages `docs/SETTINGS.md` and `docs/COMMANDS.md` are what the program has: each setting that `config/default.toml` lists, with
//! what the program says that it takes, and what each command says to `--help`.

use std::collections::BTreeMap;
use std::fmt::Write;

use gathering_tests::Program;

use crate::generated::is_current;

/// A setting, as the file of defaults has it.
#[derive(Debug)]
struct Setting {
    section: String,
    key: String,
    /// What stands after the equals sign.
    value: String,
    /// Whether the line is a comment, so that there is no default.
    is_example: bool,
    meaning: String,
}

impl Setting {
    fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    fn variable(&self) -> String {
        format!("GATHERING__{}", self.name().replace('.', "__").to_uppercase())
    }
}

/// The settings in their order, and what is said of whole sections.
fn defaults(text: &str) -> (Vec<Setting>, BTreeMap<String, String>) {
    let (mut settings, mut sections) = (Vec::<Setting>::new(), BTreeMap::<String, String>::new());
    let (mut section, mut comment, mut is_used) = (String::new(), String::new(), false);
    // An empty line ends what is said of a section, or of nothing yet: the beginning of the file.
    for line in text.lines().chain([""]) {
        let example = line.strip_prefix("# ");
        let assignment = |line: &str| {
            let (key, value) = line.split_once(" = ")?;
            let is_key = !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
            is_key.then(|| (key.to_owned(), value.to_owned()))
        };
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
            sections.insert(section.clone(), String::new());
            comment.clear();
        } else if let Some((key, value)) = assignment(example.unwrap_or(line)) {
            let (section, meaning) = (section.clone(), comment.trim().to_owned());
            settings.push(Setting { section, key, value, is_example: example.is_some(), meaning });
            is_used = true;
        } else if let Some(words) = line.strip_prefix('#') {
            if std::mem::take(&mut is_used) {
                comment.clear();
            }
            write!(comment, " {}", words.trim()).unwrap();
        } else {
            assert_eq!(line, "", "a line that is neither a setting nor a comment");
            if !is_used && let Some(of_section) = sections.get_mut(&section) {
                of_section.push_str(comment.trim());
            }
            comment.clear();
            is_used = false;
        }
    }
    (settings, sections)
}

/// A comment as Markdown: what stands in quotes is code, quotes included.
fn markdown(comment: &str, names: &[String]) -> String {
    let parts = comment.split('"').enumerate().map(|(index, part)| {
        if index % 2 == 1 {
            return format!("`\"{part}\"`");
        }
        part.split(' ').map(|word| shown(word, names)).collect::<Vec<_>>().join(" ")
    });
    parts.collect()
}

/// A word of a comment: names and addresses are code, and names of settings and sections and of pages lead there.
fn shown(word: &str, names: &[String]) -> String {
    let escaped = |text: &str| text.replace('[', "\\[").replace('<', "&lt;").replace('*', "\\*");
    let bare = word.trim_matches(|c: char| !c.is_ascii_alphanumeric() && c != '/');
    let Some((before, after)) = word.split_once(bare).filter(|_| bare.len() > 1) else {
        return escaped(word);
    };
    // A section stands in brackets.
    let brackets = before.len() - before.trim_end_matches('[').len();
    let is_section = brackets > 0 && after.starts_with(&"]".repeat(brackets));
    let (before, opening) = before.split_at(before.len() - if is_section { brackets } else { 0 });
    let (closing, after) = after.split_at(opening.len());
    let code = format!("`{opening}{bare}{closing}`");
    let shown = if let Some(page) = bare.strip_prefix("docs/") {
        format!("[{page}]({page})")
    } else if names.iter().any(|name| name == bare) {
        format!("[{code}](#{})", bare.replace('.', ""))
    } else if is_section || bare.contains('_') || bare.contains("://") || bare.starts_with('/') {
        code
    } else {
        escaped(bare)
    };
    escaped(before) + &shown + &escaped(after)
}

/// What the program says that a setting takes when it is given what it does not take.
fn takes(program: &Program, setting: &Setting) -> String {
    let said = |value: &str| {
        let assignment = format!("{}={value}", setting.name());
        let refusal = program.run(&["config", "--check", "--set", &assignment]).stderr;
        let (_, said) = refusal.split_once("it has to be ").or_else(|| refusal.split_once(", expected "))?;
        Some(match said.trim() {
            "a boolean" => "true or false".to_owned(),
            "f64" => "a number".to_owned(),
            "a text in quotes" => "a text".to_owned(),
            list if list.starts_with("a list such as") => "a list of texts".to_owned(),
            other => other.to_owned(),
        })
    };
    // Each takes one of these at most: a text that means nothing, and a list.
    let Some(whole) = said("\"?\"").or_else(|| said("[]")) else {
        panic!("the program takes everything for {setting:?}");
    };
    let each = whole.starts_with("a list").then(|| said("[\"?\"]")).flatten();
    each.map_or(whole, |each| format!("a list; each entry is {each}"))
}

#[test]
fn every_setting_is_in_the_reference() {
    let text = concat!(env!("CARGO_MANIFEST_DIR"), "/../config/default.toml");
    let (settings, sections) = defaults(&std::fs::read_to_string(text).unwrap());
    let program = Program::new();
    let names: Vec<String> = settings
        .iter()
        .map(Setting::name)
        .chain(sections.keys().filter(|name| name.contains('.')).cloned())
        .collect();
    let mut page = "# Settings\n\n\
        <!-- Made from config/default.toml and the program by `make reference`. -->\n\n\
        Every setting, in the order of [`config/default.toml`](../config/default.toml), which is compiled in.\n\
        [RUNNING.md](RUNNING.md#settings) says where values come from and which of them count.\n"
        .to_owned();
    let mut section = "";
    for setting in &settings {
        if setting.section != section {
            section = &setting.section;
            write!(page, "\n## {section}\n").unwrap();
            let of_section = &sections[section];
            if !of_section.is_empty() {
                write!(page, "\n{}\n", markdown(of_section, &names)).unwrap();
            }
        }
        let value = if setting.is_example {
            format!("- default: none; an example is `{}`", setting.value)
        } else {
            format!("- default: `{}`", setting.value)
        };
        write!(
            page,
            "\n### `{}`\n\n{}\n\n{value}\n- takes: {}\n- in a file: `{}`, in `[{section}]`\n- in the environment: `{}`\n",
            setting.name(),
            markdown(&setting.meaning, &names),
            markdown(&takes(&program, setting), &names),
            setting.key,
            setting.variable(),
        )
        .unwrap();
    }
    for section in
        sections.iter().filter(|(name, _)| !settings.iter().any(|setting| setting.section == **name))
    {
        write!(page, "\n## {}\n\n{}\n", section.0, markdown(section.1, &names)).unwrap();
    }
    is_current("SETTINGS.md", &page);
}

/// The commands that the help of a command lists.
fn commands(help: &str) -> Vec<String> {
    let (_, list) = help.split_once("\nCommands:\n").unwrap_or_default();
    let lines = list.lines().take_while(|line| !line.is_empty());
    let names = lines.filter_map(|line| line.strip_prefix("  ")?.split(' ').next());
    names.filter(|name| !name.is_empty() && *name != "help").map(str::to_owned).collect()
}

/// Adds what a command says of itself, and then those of its own commands.
fn describe(program: &Program, command: &[String], page: &mut String) {
    let line: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
    let help = program.run(&line).ok().stdout;
    let whole: Vec<&str> = ["gathering"].into_iter().chain(command.iter().map(String::as_str)).collect();
    write!(page, "\n## `{}`\n\n```text\n{}\n```\n", whole.join(" "), help.trim_end()).unwrap();
    for inner in commands(&help) {
        describe(program, &[command, &[inner]].concat(), page);
    }
}

#[test]
fn every_command_is_in_the_reference() {
    let mut page = "# Commands\n\n\
        <!-- Made from what the program says to --help, by `make reference`. -->\n\n\
        What each command says to `--help`. [RUNNING.md](RUNNING.md#commands) says in a line what each is for.\n"
        .to_owned();
    describe(&Program::new(), &[], &mut page);
    assert!(page.matches("\n## ").count() > 15, "{page}");
    is_current("COMMANDS.md", &page);
}
