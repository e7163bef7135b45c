//! `gathering watch`: how a client waits for a request.

mod client;
mod pace;
mod table;

use std::io::{IsTerminal, stderr, stdout};
use std::path::Path;
use std::time::{Duration, Instant};

use gathering_support::{BaseUrl, visible};
use indicatif::ProgressBar;
use serde::{Deserialize, Deserializer};

use self::client::{Answer, Client, NoAnswer};
use self::pace::{Pace, with_jitter};
use self::table::{Hit, report_table, terminal_width};
use super::console::print;
use super::health::reachable;
use crate::ServerError;
use crate::cli::Watch;
use crate::config::Config;

/// How long a server is asked to keep a call that has nothing to tell. Proxies in between give up after 30 seconds.
const WAIT: Duration = Duration::from_secs(25);

/// How much longer than that an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// What is left of the time when nobody is asked any more.
const LAST: Duration = Duration::from_millis(500);

/// More than any token; whoever names a large file is told so soon.
const MAX_TOKEN: u64 = 128 * 1024;

pub(super) fn run(config: &Config, arguments: &Watch) -> Result<(), ServerError> {
    let server = arguments.server.clone().map_or_else(|| own_url(config), Ok)?;
    let token = token(arguments.token_file.as_deref())?;
    let path = format!("cluster/{}/request/{}/", arguments.cluster, arguments.request);
    let client = Client::new(&server, &path, token.as_deref())?;
    let mut watch = Watching {
        client,
        request: arguments.request.as_str(),
        timeout: arguments.timeout,
        end: Instant::now() + arguments.timeout,
        state: "it was not asked for yet".to_owned(),
        was_answered: false,
        progress: progress(),
    };
    watch.tell();
    let report = watch.wait();
    watch.progress.finish_and_clear();
    let report = report?;
    if arguments.json {
        return print(report.json(stdout().is_terminal()));
    }
    print(report_table(&report.hits, terminal_width()))
}

/// Where this machine's own service answers, as configured.
fn own_url(config: &Config) -> Result<BaseUrl, ServerError> {
    let scheme = if config.http.tls.settings().is_some() { "https" } else { "http" };
    let base_path = config.http.base_paths.first().map(ToString::to_string).unwrap_or_default();
    let url = format!("{scheme}://{}{base_path}", reachable(config.http.bind));
    url.parse()
        .map_err(|_| ServerError::Usage("http.bind and http.base_paths make no URL; give one with --server"))
}

/// The token of the file, or of the variable, which is not among the options so that no help shows it.
fn token(file: Option<&Path>) -> Result<Option<String>, ServerError> {
    let text = match file {
        Some(path) => Some(
            read_token(path).map_err(|source| ServerError::TokenFile { path: path.to_owned(), source })?,
        ),
        None => std::env::var("GATHERING_TOKEN").ok(),
    };
    Ok(text.map(|text| text.trim().to_owned()).filter(|token| !token.is_empty()))
}

fn read_token(path: &Path) -> std::io::Result<String> {
    use std::io::Read;
    let mut text = String::new();
    std::fs::File::open(path)?.take(MAX_TOKEN).read_to_string(&mut text)?;
    Ok(text)
}

/// On a terminal only.
fn progress() -> ProgressBar {
    let progress = if stderr().is_terminal() { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
    progress.enable_steady_tick(Duration::from_millis(200));
    progress
}

struct Watching<'a> {
    client: Client,
    request: &'a str,
    timeout: Duration,
    end: Instant,
    /// What is known of the request, as the end of a sentence.
    state: String,
    was_answered: bool,
    progress: ProgressBar,
}

/// What comes of one call.
enum Step {
    Processed,
    Report(Report),
    /// Nothing yet. The server may have said when to ask again.
    Later {
        state: String,
        pause: Option<Duration>,
    },
}

/// A report, and its bytes as they came.
struct Report {
    body: Vec<u8>,
    hits: Vec<Hit>,
}

/// What status and report have in common, as far as it counts. Services of today leave some of it out.
#[derive(Deserialize)]
struct Body {
    status: String,
    #[serde(default)]
    reason: Option<String>,
    /// `None` for what has no such member. It may be null, which is no hits.
    #[serde(default, deserialize_with = "hits")]
    report: Option<Vec<Hit>>,
}

/// The hits of a member that is there.
fn hits<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Hit>>, D::Error> {
    Option::<Vec<Hit>>::deserialize(deserializer).map(|hits| Some(hits.unwrap_or_default()))
}

impl Body {
    /// `None` for what is no object. The JSON reader alone would take an array for one.
    fn read(json: &[u8]) -> Option<Self> {
        let is_object = json.trim_ascii_start().starts_with(b"{");
        is_object.then(|| serde_json::from_slice(json).ok()).flatten()
    }
}

impl Watching<'_> {
    /// Asks for the status until the request is processed, and then for its report.
    fn wait(&mut self) -> Result<Report, ServerError> {
        let (mut own, mut is_processed) = (Pace::default(), false);
        loop {
            match self.ask(is_processed)? {
                Step::Report(report) => return Ok(report),
                Step::Processed => {
                    is_processed = true;
                    self.state = "it is processed, and its report has not come".into();
                }
                Step::Later { state, pause } => {
                    // Until there is a report, the state may change: what has expired may come anew.
                    is_processed = false;
                    self.state = state;
                    self.pause(pause.map_or_else(|| own.next(), with_jitter))?;
                }
            }
            self.tell();
        }
    }

    fn ask(&mut self, is_processed: bool) -> Result<Step, ServerError> {
        let left = self.left().ok_or_else(|| self.not_in_time())?;
        let answer = if is_processed {
            self.client.report(left.min(WAIT + ANSWER))
        } else {
            let wait = WAIT.min(left.saturating_sub(Duration::from_secs(1)));
            self.client.status(wait.as_secs(), left.min(WAIT + ANSWER))
        };
        match answer {
            Ok(answer) => {
                self.was_answered = true;
                self.judge(answer)
            }
            // Cut off by the end: what was known before says more.
            Err(NoAnswer::ForNow(_)) if self.left().is_none() && self.was_answered => Err(self.not_in_time()),
            Err(NoAnswer::ForNow(problem)) => {
                Ok(Step::Later { state: format!("the server gives no answer ({problem})"), pause: None })
            }
            Err(NoAnswer::ForEver(problem)) => Err(self.refused(problem)),
        }
    }

    /// What cannot be better in a while ends the watch.
    fn judge(&self, answer: Answer) -> Result<Step, ServerError> {
        let pause = answer.pause();
        let later = |state: String| Ok(Step::Later { state, pause });
        match answer.status {
            200 => {}
            404 => return later(format!("the server does not know it ({})", answer.sentence())),
            408 | 425 | 429 | 500..=599 => return later(format!("the server says {}", answer.sentence())),
            _ => return Err(self.refused(answer.sentence())),
        }
        let no_answer = || self.refused("something that is no answer of this API".to_owned());
        let body = Body::read(&answer.body).ok_or_else(no_answer)?;
        match body.status.as_str() {
            "processed" if answer.is_report => {
                let hits = body.report.ok_or_else(no_answer)?;
                Ok(Step::Report(Report { body: answer.body, hits }))
            }
            "processed" => Ok(Step::Processed),
            "failed" => Err(ServerError::RequestFailed {
                request: self.request.to_owned(),
                reason: body.reason.map(|reason| format!(": {}", visible(&reason))).unwrap_or_default(),
            }),
            state => later(format!("it is {} and not processed", visible(state))),
        }
    }

    /// Pauses, but asks in time before the end: a result may come at any moment.
    fn pause(&self, pause: Duration) -> Result<(), ServerError> {
        let left = self.left().unwrap_or_default();
        let before_the_end = if left > LAST { left / 4 * 3 } else { left };
        std::thread::sleep(pause.min(before_the_end));
        if left > LAST { Ok(()) } else { Err(self.not_in_time()) }
    }

    fn left(&self) -> Option<Duration> {
        Some(self.end.saturating_duration_since(Instant::now())).filter(|left| !left.is_zero())
    }

    fn tell(&self) {
        self.progress.set_message(format!("waiting for the request {}: {}", self.request, self.state));
    }

    fn not_in_time(&self) -> ServerError {
        let (request, state) = (self.request.to_owned(), self.state.clone());
        ServerError::NotInTime {
            request,
            timeout: humantime::format_duration(self.timeout).to_string(),
            state,
        }
    }

    fn refused(&self, answer: String) -> ServerError {
        ServerError::WatchRefused { server: self.client.server().to_string(), answer }
    }
}

impl Report {
    /// As it came, in whole lines. A terminal gets no control character: within texts they are written as JSON escapes them.
    fn json(&self, for_terminal: bool) -> String {
        let mut text = String::from_utf8_lossy(&self.body).into_owned();
        if for_terminal {
            let escaped = |c: char| match c {
                '\r' => String::new(),
                c if c.is_control() && c != '\n' && c != '\t' => format!("\\u{:04x}", u32::from(c)),
                c => c.into(),
            };
            text = text.chars().map(escaped).collect();
        }
        if !text.ends_with('\n') {
            text.push('\n');
        }
        text
    }
}
