//! Which sizes pictures are made in. A caller names a box; both sides are rounded up to steps, and a picture that fits is found in it, so
//! that there are ten sizes of a picture at most, whatever is asked. Pure.

/// Sides that a box may have.
const STEPS: [u32; 5] = [80, 160, 320, 640, 1280];
/// The longest side that may be asked for; one beyond the last step is that step.
const SIDE_MAX: u32 = 10_000;

/// A box that a picture is to fit in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fit {
    width: u32,
    height: u32,
}

impl Fit {
    /// Reads `WxH`, such as `320x240`; None for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let (width, height) = text.split_once('x')?;
        let side = |text: &str| {
            let is_number = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let side: u32 = text.parse().ok().filter(|_| is_number)?;
            (1..=SIDE_MAX).contains(&side).then_some(side)
        };
        let step = |side: u32| STEPS.into_iter().find(|step| *step >= side).unwrap_or(STEPS[STEPS.len() - 1]);
        Some(Self { width: step(side(width)?), height: step(side(height)?) })
    }

    /// The size that a picture of `width` × `height` has in the box, in the same proportions; None where it fits as it is.
    pub fn of(self, width: u32, height: u32) -> Option<(u32, u32)> {
        if width <= self.width && height <= self.height {
            return None;
        }
        let [w, h, to_w, to_h] = [width, height, self.width, self.height].map(u64::from);
        let scaled = |side: u64, to: u64, of: u64| u32::try_from((side * to + of / 2) / of).unwrap_or(1).max(1);
        // The side that is too long by more decides.
        Some(if w * to_h >= h * to_w { (self.width, scaled(h, to_w, w)) } else { (scaled(w, to_h, h), self.height) })
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn boxes_are_rounded_up_to_steps() {
        let fit = |width, height| Some(Fit { width, height });
        for (text, expected) in [
            ("320x320", fit(320, 320)),
            ("1x81", fit(80, 160)),
            ("321x9999", fit(640, 1280)),
            ("0x10", None),
            ("10001x10", None),
            ("320", None),
            ("320x", None),
            ("+320x320", None),
            ("320x320x320", None),
            ("99999999999x1", None),
            ("", None),
        ] {
            assert_eq!(Fit::parse(text), expected, "{text}");
        }
    }

    #[test]
    fn pictures_keep_their_proportions_and_are_never_larger() {
        let size = |text: &str, width, height| Fit::parse(text).expect("a box").of(width, height);
        assert_eq!(size("320x320", 4000, 3000), Some((320, 240)));
        assert_eq!(size("320x320", 3000, 4000), Some((240, 320)));
        assert_eq!(size("320x320", 320, 200), None);
        assert_eq!(size("80x80", 10_000, 10), Some((80, 1)));
        assert_eq!(size("640x80", 1000, 1000), Some((80, 80)));
    }

    #[test]
    fn a_picture_has_ten_sizes_at_most() {
        for (width, height) in [(4000, 3000), (1000, 5000), (1281, 1281)] {
            let mut sizes = BTreeSet::new();
            for w in (1..=SIDE_MAX).step_by(37) {
                for h in (1..=SIDE_MAX).step_by(41) {
                    sizes.extend(Fit::parse(&format!("{w}x{h}")).expect("a box").of(width, height));
                }
            }
            assert!(sizes.len() <= 10, "{sizes:?}");
        }
    }
}
