//! Words beside a scale of colours. In: a scene whose right margin holds the scale; out: the same, with what the colours mean.

use kuva::render::render::{Primitive, Scene, TextAnchor};

/// Writes `says` along the right edge, which the scene is widened for.
pub(crate) fn label_of_scale(scene: &mut Scene, says: &str) {
    if says.is_empty() {
        return;
    }
    scene.width += 26.0;
    scene.add(Primitive::Text {
        x: scene.width - 8.0,
        y: scene.height / 2.0,
        content: says.into(),
        size: 14,
        anchor: TextAnchor::Middle,
        rotate: Some(-90.0),
        bold: false,
        color: None,
    });
}
