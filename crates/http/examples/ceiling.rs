//! The ceiling that `make bench` measures everything against: the web server with a handler that answers a constant, no
//! token, no log, no metric; `/never` is never answered, for what a waiting call costs. `cargo run --release --example ceiling -- 127.0.0.1:0` prints where it listens.

use std::io::Write;

use actix_web::{App, HttpResponse, HttpServer, web};

const BODY: &str = "{\"cluster\":\"5d5892d3-1f74-4ccf-91af-548dfc9767aa\",\"requestID\":\"6d2eede257644308a8949c4ec251c5c4\",\"status\":\"processed\"}\n";

fn main() -> std::io::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:0".to_owned());
    actix_web::rt::System::new().block_on(serve(address))
}

async fn serve(address: String) -> std::io::Result<()> {
    let constant = || async { HttpResponse::Ok().content_type("application/json").body(BODY) };
    let never = || async { std::future::pending::<HttpResponse>().await };
    let application =
        move || App::new().route("/never", web::get().to(never)).default_service(web::to(constant));
    let server = HttpServer::new(application)
        .workers(std::thread::available_parallelism().map_or(1, std::num::NonZero::get))
        .bind(address)?;
    for address in server.addrs() {
        writeln!(std::io::stdout(), "{address}")?;
    }
    server.run().await
}
