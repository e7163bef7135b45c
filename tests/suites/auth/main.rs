//! Who is let in: attacks, keys and their rotation, the gateway's header, limits and TLS, over real HTTP.

mod attacks;
mod certificates;
mod documentation;
mod fixture;
mod gateway;
mod key_files;
mod key_urls;
mod limits;
mod providers;
mod rotation;
mod service_accounts;
mod tls;
