//! Takes out of the archive of Swagger UI, which comes as a crate, the files that `/docs` loads. They are compressed in it, and
//! stay so: as gzip they go into the program, and from there to browsers.

use std::io::Error;
use std::path::PathBuf;

use rawzip::{CompressionMethod, ZipArchive};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

const FILES: [&str; 2] = ["swagger-ui-bundle.js", "swagger-ui.css"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo::rerun-if-changed=build.rs");
    let folder = PathBuf::from(std::env::var_os("OUT_DIR").ok_or("cargo names the folder")?);
    let archive = ZipArchive::from_slice(SWAGGER_UI_VENDORED)?;
    let mut missing = FILES.to_vec();
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry()? {
        let path = entry.file_path();
        let path = String::from_utf8_lossy(path.as_bytes());
        let Some(index) = missing.iter().position(|name| path.ends_with(&format!("/dist/{name}"))) else {
            continue;
        };
        if entry.compression_method() != CompressionMethod::DEFLATE {
            return Err(Error::other(format!("{path} is compressed in another way than gzip does")).into());
        }
        let deflated = archive.get_entry(entry.wayfinder())?;
        let size = entry.uncompressed_size_hint();
        let gzip = gzip(deflated.data(), entry.crc32(), size);
        std::fs::write(folder.join(format!("{}.gz", missing.swap_remove(index))), gzip)?;
    }
    if missing.is_empty() {
        Ok(())
    } else {
        Err(Error::other(format!("the archive of Swagger UI lacks {}", missing.join(" and "))).into())
    }
}

/// A file of gzip (RFC 1952) around what is deflated already.
fn gzip(deflated: &[u8], crc: u32, size: u64) -> Vec<u8> {
    // Deflated, no name, no time, at best compression, from an unknown system.
    let mut file = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255];
    file.extend(deflated);
    file.extend(crc.to_le_bytes());
    // Its last 32 bits, as the format has it.
    file.extend((size & u64::from(u32::MAX)).to_le_bytes().into_iter().take(4));
    file
}
