//! Small images in a grid. In: images as cells of colour; out: a scene with a title, captions and a legend or scale.

use kuva::plot::ColorMap;
use kuva::render::color::Color;
use kuva::render::render::{Primitive, Scene, TextAnchor};

use crate::picture::Picture;

const MARGIN: f64 = 20.0;
const TITLE: f64 = 46.0;
const CAPTION: f64 = 18.0;
const SPACE: f64 = 8.0;
/// Width of what stands right of the tiles.
const ASIDE: f64 = 110.0;
/// The longer side of a tile in pixels.
const SIDE: f64 = 96.0;
/// Width of a letter, as a part of its size.
const LETTER: f64 = 0.62;

/// An image: colours row by row, from the top.
pub(crate) struct Tile {
    pub(crate) caption: String,
    pub(crate) colors: Vec<[u8; 3]>,
}

/// What stands right of the tiles.
pub(crate) enum Aside<'a> {
    /// Colours and what they mean.
    Legend(&'a [([u8; 3], String)]),
    /// A scale from a value to another, and what they are.
    Scale { low: f64, high: f64, says: &'a str },
}

/// Draws tiles of `height` x `width` cells, so many in a row.
pub(crate) fn draw(title: &str, subtitle: &str, tiles: &[Tile], [height, width]: [usize; 2], columns: usize, aside: &Aside<'_>) -> Picture {
    // Few tiles may be larger.
    let side = SIDE * (8.0 / columns as f64).clamp(0.75, 2.5);
    let cell = side / height.max(width) as f64;
    let (tile_w, tile_h) = (cell * width as f64, cell * height as f64);
    // A caption needs its room, too.
    let words = tiles.iter().map(|tile| text_width(&tile.caption, 11)).fold(0.0, f64::max);
    let (pitch_x, pitch_y) = (tile_w.max(words) + SPACE, tile_h + CAPTION + SPACE);
    let rows = tiles.len().div_ceil(columns);
    let body_w = pitch_x * columns as f64;
    let body_h = (pitch_y * rows as f64).max(140.0);
    let wide = (body_w + ASIDE).max(text_width(title, 16)).max(text_width(subtitle, 12));
    let mut scene = Scene::new(wide + 2.0 * MARGIN, TITLE + body_h + MARGIN);
    text(&mut scene, MARGIN, 24.0, title, 16, TextAnchor::Start);
    text(&mut scene, MARGIN, 40.0, subtitle, 12, TextAnchor::Start);

    for (i, tile) in tiles.iter().enumerate() {
        let left = MARGIN + pitch_x * (i % columns) as f64 + (pitch_x - SPACE - tile_w) / 2.0;
        let top = TITLE + pitch_y * (i / columns) as f64 + CAPTION;
        text(&mut scene, left + tile_w / 2.0, top - 4.0, &tile.caption, 11, TextAnchor::Middle);
        cells(&mut scene, tile, left, top, cell, width);
        frame(&mut scene, left, top, tile_w, tile_h);
    }

    let left = MARGIN + body_w + SPACE;
    match aside {
        Aside::Legend(entries) => legend(&mut scene, entries, left),
        Aside::Scale { low, high, says } => {
            scale(&mut scene, [*low, *high], says, left, TITLE + CAPTION, (body_h - CAPTION - SPACE).min(260.0));
        }
    }
    Picture::new(scene)
}

/// Cells of a row that have one colour are one rectangle.
fn cells(scene: &mut Scene, tile: &Tile, left: f64, top: f64, cell: f64, width: usize) {
    let (mut x, mut y, mut w, mut h, mut fills) = (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (row, colors) in tile.colors.chunks_exact(width).enumerate() {
        let mut column = 0;
        for run in colors.chunk_by(|a, b| a == b) {
            let [red, green, blue] = run[0];
            x.push(left + cell * column as f64);
            y.push(top + cell * row as f64);
            // A little more than the cell, where there is a neighbour: no seams.
            let seam = if column + run.len() < width { 0.3 } else { 0.0 };
            w.push(cell * run.len() as f64 + seam);
            h.push(cell + if (row + 1) * width < tile.colors.len() { 0.3 } else { 0.0 });
            fills.push(Color::Rgb(red, green, blue));
            column += run.len();
        }
    }
    scene.add(Primitive::RectBatch { x, y, w, h, fills });
}

fn frame(scene: &mut Scene, x: f64, y: f64, width: f64, height: f64) {
    let stroke = Some(Color::Rgb(0xaa, 0xaa, 0xaa));
    scene.add(Primitive::Rect { x, y, width, height, fill: Color::None, stroke, stroke_width: Some(0.8), opacity: None });
}

fn legend(scene: &mut Scene, entries: &[([u8; 3], String)], left: f64) {
    for (i, ([red, green, blue], says)) in entries.iter().enumerate() {
        let y = TITLE + CAPTION + 22.0 * i as f64;
        let fill = Color::Rgb(*red, *green, *blue);
        scene.add(Primitive::Rect { x: left, y, width: 12.0, height: 12.0, fill, stroke: None, stroke_width: None, opacity: None });
        frame(scene, left, y, 12.0, 12.0);
        text(scene, left + 18.0, y + 10.5, says, 12, TextAnchor::Start);
    }
}

fn scale(scene: &mut Scene, [low, high]: [f64; 2], says: &str, left: f64, top: f64, height: f64) {
    const BANDS: usize = 64;
    let band = height / BANDS as f64;
    let mut fills = Vec::new();
    let mut y = Vec::new();
    for i in 0..BANDS {
        let [red, green, blue] = viridis(1.0 - i as f64 / (BANDS - 1) as f64);
        fills.push(Color::Rgb(red, green, blue));
        y.push(top + band * i as f64);
    }
    scene.add(Primitive::RectBatch { x: vec![left; BANDS], y, w: vec![14.0; BANDS], h: vec![band + 0.3; BANDS], fills });
    frame(scene, left, top, 14.0, height);
    for (part, value) in [(0.0, high), (0.5, (low + high) / 2.0), (1.0, low)] {
        // A rounding error beside the range is nothing.
        let value = if value.abs() < 1e-4 * (high - low) { 0.0 } else { value };
        text(scene, left + 20.0, top + part * height + 4.0, &short(value), 11, TextAnchor::Start);
    }
    let content = says.to_string();
    let (x, y) = (left + 76.0, top + height / 2.0);
    scene.add(Primitive::Text { x, y, content, size: 12, anchor: TextAnchor::Middle, rotate: Some(-90.0), bold: false, color: None });
}

fn text(scene: &mut Scene, x: f64, y: f64, says: &str, size: u32, anchor: TextAnchor) {
    if !says.is_empty() {
        scene.add(Primitive::Text { x, y, content: says.into(), size, anchor, rotate: None, bold: false, color: None });
    }
}

fn text_width(says: &str, size: u32) -> f64 {
    LETTER * f64::from(size) * says.chars().count() as f64
}

/// Three digits.
fn short(value: f64) -> String {
    if value == 0.0 || (0.01..1000.0).contains(&value.abs()) {
        let text = format!("{value:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_string()
    } else {
        format!("{value:.1e}")
    }
}

/// The colour of a share from 0 to 1.
pub(crate) fn viridis(share: f64) -> [u8; 3] {
    ColorMap::Viridis.map_rgb(share).map_or([0; 3], |(red, green, blue)| [red, green, blue])
}
