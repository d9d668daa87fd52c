//! Images. In: pixels, or a finished PNG; out: the message that holds it.

use crate::error::{Error, Result};
use crate::proto::Message;

/// Numbers from 0 to 1, `[C, H, W]` with 1 (grey), 3 (RGB) or 4 (RGBA) channels.
pub(crate) fn of_pixels(tag: &str, pixels: &[f32], [channels, height, width]: [usize; 3]) -> Result<Message> {
    let color = match channels {
        1 => png::ColorType::Grayscale,
        3 => png::ColorType::Rgb,
        4 => png::ColorType::Rgba,
        _ => return Err(Error::value(tag, format!("an image wants 1, 3 or 4 channels, [C, H, W], but gets {channels}"), "")),
    };
    let cells = height.checked_mul(width).filter(|&cells| cells > 0);
    if cells.and_then(|cells| cells.checked_mul(channels)) != Some(pixels.len()) {
        let problem = format!("an image of [{channels}, {height}, {width}] wants as many pixels, but gets {}", pixels.len());
        return Err(Error::value(tag, problem, "give the sizes of one image, at least 1 x 1"));
    }
    if let Some(i) = pixels.iter().position(|v| !(0.0..=1.0).contains(v)) {
        let problem = format!("pixels are from 0 to 1, but number {i} is {}", pixels[i]);
        return Err(Error::value(tag, problem, "scale them first: `(x - min) / (max - min)`"));
    }
    let cells = height * width;
    let bytes: Vec<u8> =
        (0..cells).flat_map(|cell| (0..channels).map(move |c| pixels[c * cells + cell])).map(|v| (v * 255.0).round() as u8).collect();
    let size =
        |n: usize| u32::try_from(n).map_err(|_| Error::value(tag, format!("an image is at most {} pixels wide or high", u32::MAX), ""));
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, size(width)?, size(height)?);
    encoder.set_color(color);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&bytes));
    written.map_err(|problem| Error::value(tag, format!("no PNG of it: {problem}"), ""))?;
    Ok(message(height, width, channels, &file))
}

/// A PNG that somebody has drawn.
pub(crate) fn of_png(tag: &str, file: &[u8]) -> Result<Message> {
    let reader = png::Decoder::new(std::io::Cursor::new(file)).read_info();
    let reader = reader.map_err(|problem| Error::value(tag, format!("a figure is a PNG file, but this is none: {problem}"), ""))?;
    let info = reader.info();
    Ok(message(info.height as usize, info.width as usize, info.color_type.samples(), file))
}

fn message(height: usize, width: usize, channels: usize, file: &[u8]) -> Message {
    Message::default().int64(1, height as i64).int64(2, width as i64).int64(3, channels as i64).bytes(4, file)
}
