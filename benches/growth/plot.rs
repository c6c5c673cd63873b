//! Points as an SVG: panels side by side, both axes logarithmic.

use std::fmt::Write;

/// One diagram.
pub(crate) struct Panel {
    pub(crate) title: &'static str,
    pub(crate) x: &'static str,
    pub(crate) series: Vec<Series>,
}

/// One line of a diagram.
#[derive(Clone)]
pub(crate) struct Series {
    pub(crate) name: String,
    pub(crate) points: Vec<(f64, f64)>,
}

const COLOURS: [&str; 4] = ["#1b6ca8", "#d1495b", "#2e8b57", "#8a5fbf"];

const WIDTH: f64 = 440.0;
const HEIGHT: f64 = 310.0;
/// The margins of a diagram: for its title, its axes' numbers and its lines' names.
const LEFT: f64 = 56.0;
const RIGHT: f64 = 84.0;
const TOP: f64 = 34.0;
const BOTTOM: f64 = 46.0;

/// Two panels in a row.
pub(crate) fn svg(panels: &[Panel]) -> String {
    let rows = panels.len().div_ceil(2) as f64;
    let (width, height) = (2.0 * WIDTH, rows * HEIGHT);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n<rect width=\"{width}\" height=\"{height}\" fill=\"white\"/>\n"
    );
    for (at, panel) in panels.iter().enumerate() {
        let (x, y) = ((at % 2) as f64 * WIDTH, (at / 2) as f64 * HEIGHT);
        writeln!(svg, "<g transform=\"translate({x} {y})\">").unwrap();
        draw(&mut svg, panel);
        svg += "</g>\n";
    }
    svg + "</svg>\n"
}

/// An axis from one power of ten to another.
struct Axis {
    least: f64,
    most: f64,
    from: f64,
    to: f64,
}

impl Axis {
    fn over(numbers: impl Iterator<Item = f64> + Clone, from: f64, to: f64) -> Axis {
        let least = numbers.clone().fold(f64::INFINITY, f64::min).log10().floor();
        let most = numbers.fold(0.0, f64::max).log10().ceil();
        Axis { least, most: most.max(least + 1.0), from, to }
    }

    fn place(&self, number: f64) -> f64 {
        self.from + (number.log10() - self.least) / (self.most - self.least) * (self.to - self.from)
    }

    fn ticks(&self) -> impl Iterator<Item = f64> {
        (self.least as i32..=self.most as i32).map(|power| 10.0_f64.powi(power))
    }
}

fn draw(svg: &mut String, panel: &Panel) {
    let points = panel.series.iter().flat_map(|series| &series.points);
    let (left, right, top, bottom) = (LEFT, WIDTH - RIGHT, TOP, HEIGHT - BOTTOM);
    let x = Axis::over(points.clone().map(|point| point.0), left, right);
    let y = Axis::over(points.map(|point| point.1), bottom, top);

    writeln!(svg, "<text x=\"{left}\" y=\"{:.1}\" font-size=\"13\">{}</text>", top - 14.0, panel.title).unwrap();
    let middle = (left + right) / 2.0;
    writeln!(svg, "<text x=\"{middle}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>", bottom + 34.0, panel.x).unwrap();
    for tick in x.ticks() {
        let at = x.place(tick);
        writeln!(svg, "<path d=\"M{at:.1} {top}V{bottom}\" stroke=\"#ddd\"/>").unwrap();
        writeln!(svg, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{tick}</text>", bottom + 16.0).unwrap();
    }
    for tick in y.ticks() {
        let at = y.place(tick);
        writeln!(svg, "<path d=\"M{left} {at:.1}H{right}\" stroke=\"#ddd\"/>").unwrap();
        writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{tick}</text>", left - 6.0, at + 4.0).unwrap();
    }
    for (series, colour) in panel.series.iter().zip(COLOURS) {
        let places = series.points.iter().map(|point| (x.place(point.0), y.place(point.1))).collect::<Vec<_>>();
        let line = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect::<Vec<_>>().join(" ");
        writeln!(svg, "<polyline points=\"{line}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"1.5\"/>").unwrap();
        for (x, y) in &places {
            writeln!(svg, "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"2.5\" fill=\"{colour}\"/>").unwrap();
        }
        if let Some((x, y)) = places.last() {
            let (x, y) = (x + 7.0, y + 4.0);
            writeln!(svg, "<text x=\"{x:.1}\" y=\"{y:.1}\" fill=\"{colour}\">{}</text>", series.name).unwrap();
        }
    }
}
