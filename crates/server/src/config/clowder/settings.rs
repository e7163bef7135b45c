//! Where what the platform says becomes settings.

use toml::Value;

use crate::config::layers::Layers;
use crate::config::origin::Origin;

/// Where settings are put.
pub(super) struct Settings<'a> {
    layers: &'a mut Layers,
    origin: Origin,
}

impl<'a> Settings<'a> {
    pub(super) fn new(layers: &'a mut Layers, origin: Origin) -> Self {
        Self { layers, origin }
    }

    pub(super) fn into_origin(self) -> Origin {
        self.origin
    }

    pub(super) fn text(&mut self, key: &str, text: impl Into<String>) {
        let path: Vec<&str> = key.split('.').collect();
        self.layers.set(&path, Value::String(text.into()), &self.origin);
    }
}
