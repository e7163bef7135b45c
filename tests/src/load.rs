//! Load from the generator wrk, for benchmarks. `tests/scripts/with-wrk` says where it is.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

/// GETs that are put together once and made in turn.
#[derive(Debug)]
pub struct Calls(TempDir);

impl Calls {
    /// GETs of these paths, each with its token unless that is empty.
    ///
    /// # Panics
    /// If the temporary folder cannot be written to.
    pub fn new(calls: impl IntoIterator<Item = (String, String)>) -> Self {
        let folder = TempDir::new().expect("the temporary folder can be written to");
        let lines = calls.into_iter().map(|(path, token)| path + "\t" + &token + "\n");
        std::fs::write(folder.path().join("calls"), lines.collect::<String>()).expect("a file");
        std::fs::write(folder.path().join("load.lua"), SCRIPT).expect("a file");
        Self(folder)
    }
}

/// How calls are made.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Connections at once, all of them kept.
    pub connections: usize,
    /// For how long, in seconds.
    pub seconds: usize,
    /// How long a connection rests between an answer and the next call, in milliseconds on average; at 0 it does not.
    pub rest: f64,
}

/// What came of it.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// Answers a second.
    pub rate: f64,
    /// 99 of 100 answers came within this, in milliseconds.
    pub p99: f64,
    /// The share of answers that were an error, 404 for the most part.
    pub other_than_found: f64,
}

impl Load {
    /// Makes these calls.
    ///
    /// # Panics
    /// If wrk is missing, or a call gets no answer.
    pub fn get(&self, address: SocketAddr, calls: &Calls) -> Measured {
        let wrk = std::env::var_os("GATHERING_WRK").expect("make says where wrk is");
        let output = Command::new(wrk)
            .args(["-t1", &format!("-c{}", self.connections), &format!("-d{}s", self.seconds), "-s"])
            .arg(calls.0.path().join("load.lua"))
            .arg(format!("http://{address}"))
            .env("GATHERING_CALLS", calls.0.path().join("calls"))
            .env("GATHERING_REST", self.rest.to_string())
            .output()
            .expect("wrk starts");
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let number = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name));
            line.unwrap_or_else(|| panic!("{text}{}", String::from_utf8_lossy(&output.stderr)))
                .trim()
                .parse()
                .expect("a number")
        };
        assert!(number("failed") < 1.0, "{text}");
        Measured {
            rate: number("rate"),
            p99: number("p99"),
            other_than_found: number("status") / number("answers"),
        }
    }
}

/// Median, lowest and highest of what was measured in several rounds.
///
/// # Panics
/// If nothing was.
pub fn median(mut values: Vec<f64>) -> (f64, f64, f64) {
    values.sort_by(f64::total_cmp);
    (values[values.len() / 2], values[0], values[values.len() - 1])
}

/// All calls are put together before the first is made. wrk counts 404 as an error by itself; here it is an answer.
const SCRIPT: &str = r#"
local calls, next = {}, 0
init = function(args)
  for line in io.lines(os.getenv("GATHERING_CALLS")) do
    local path, token = line:match("^([^\t]*)\t(.*)$")
    local headers = {}
    if token ~= "" then headers["Authorization"] = "Bearer " .. token end
    calls[#calls + 1] = wrk.format("GET", path, headers)
  end
end
local rest = tonumber(os.getenv("GATHERING_REST"))
if rest > 0 then
  delay = function() return math.floor(math.random() * 2 * rest + 0.5) end
end
request = function()
  next = next % #calls + 1
  return calls[next]
end
done = function(summary, latency, requests)
  local e = summary.errors
  io.write(string.format("answers %d\nrate %f\np99 %f\nfailed %d\nstatus %d\n", summary.requests, summary.requests / summary.duration * 1e6,
    latency:percentile(99) / 1000, e.connect + e.read + e.write + e.timeout, e.status))
end
"#;
