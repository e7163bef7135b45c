//! Load from the generator wrk, for benchmarks. `tests/scripts/with-wrk` says where it is.

use std::net::SocketAddr;
use std::process::Command;

use tempfile::TempDir;

/// How calls are made.
#[derive(Debug, Clone, Copy)]
pub struct Load {
    /// Connections at once, all of them kept.
    pub connections: usize,
    /// For how long, in seconds.
    pub seconds: usize,
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
    /// GETs of these paths in turn, each with its token unless that is empty.
    ///
    /// # Panics
    /// If wrk is missing, or a call gets no answer.
    pub fn get(&self, address: SocketAddr, calls: &[(String, String)]) -> Measured {
        let folder = TempDir::new().expect("the temporary folder can be written to");
        let list = calls.iter().fold(String::new(), |list, (path, token)| list + path + "\t" + token + "\n");
        let file = folder.path().join("calls");
        std::fs::write(&file, list).expect("the temporary folder can be written to");
        let script = folder.path().join("load.lua");
        std::fs::write(&script, SCRIPT).expect("the temporary folder can be written to");
        let wrk = std::env::var_os("GATHERING_WRK").expect("make says where wrk is");
        let output = Command::new(wrk)
            .args(["-t1", &format!("-c{}", self.connections), &format!("-d{}s", self.seconds), "-s"])
            .arg(script)
            .arg(format!("http://{address}"))
            .env("GATHERING_CALLS", file)
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
