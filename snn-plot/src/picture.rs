//! A drawn picture. In: what kuva laid out; out: SVG, PNG, files of either.

use std::fmt;
use std::fs;
use std::path::Path;

use kuva::PngBackend;
use kuva::backend::svg::SvgBackend;
use kuva::render::render::Scene;

use crate::error::{Error, Result};

/// A picture, ready to be written.
pub struct Picture {
    scene: Scene,
}

impl Picture {
    pub(crate) fn new(scene: Scene) -> Picture {
        Picture { scene }
    }

    /// Width and height in pixels of the SVG; the PNG has twice as many of each.
    pub fn size(&self) -> (f64, f64) {
        (self.scene.width, self.scene.height)
    }

    /// As SVG.
    pub fn svg(&self) -> String {
        SvgBackend::new().render_scene(&self.scene)
    }

    /// As PNG.
    ///
    /// # Errors
    ///
    /// [`Error::Png`] if it cannot be drawn.
    pub fn png(&self) -> Result<Vec<u8>> {
        PngBackend::new().render_scene(&self.scene).map_err(Error::Png)
    }

    /// Writes a file, as SVG or PNG by the end of its name.
    ///
    /// # Errors
    ///
    /// The name ends in something else, or the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        let extension = path.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        let bytes = match extension.as_str() {
            "svg" => self.svg().into_bytes(),
            "png" => self.png()?,
            _ => return Err(Error::Extension { path: path.into() }),
        };
        fs::write(path, bytes).map_err(|source| Error::Io { path: path.into(), source })
    }

    /// Writes both: `out/raster` becomes `out/raster.svg` and `out/raster.png`.
    ///
    /// # Errors
    ///
    /// A file cannot be written.
    pub fn save_both(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        for extension in ["svg", "png"] {
            let mut name = path.as_os_str().to_os_string();
            name.push(".");
            name.push(extension);
            self.save(Path::new(&name))?;
        }
        Ok(())
    }
}

impl fmt::Debug for Picture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Picture").field("size", &self.size()).finish_non_exhaustive()
    }
}
