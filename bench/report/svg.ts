// Plots as plain SVG text. Colours are CSS variables of the page, so that one plot serves light and dark.

export const escapeXml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');

export interface Bar {
  readonly label: string;
  /** A CSS class that gives the colour. */
  readonly kind: string;
  readonly value: number;
  readonly min: number;
  readonly max: number;
  /** The value as text. */
  readonly text: string;
}

const WIDTH = 640;
const LABEL_WIDTH = 235;
const TEXT_WIDTH = 110;
const BAR_HEIGHT = 16;
const BAR_STEP = 22;

const fixed = (value: number): string => value.toFixed(1);

function frame(height: number, title: string, body: string): string {
  return (
    `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeXml(title)}">` +
    `<text class="title" x="0" y="14">${escapeXml(title)}</text>${body}</svg>`
  );
}

/** Horizontal bars from zero, with a whisker from the smallest to the largest run. */
export function barChart(title: string, bars: readonly Bar[]): string {
  const largest = Math.max(...bars.map((bar) => bar.max), Number.MIN_VALUE);
  const scale = (WIDTH - LABEL_WIDTH - TEXT_WIDTH) / largest;
  const lines = bars.map((bar, index) => {
    const top = 26 + index * BAR_STEP;
    const middle = top + BAR_HEIGHT / 2;
    const x = (value: number): string => fixed(LABEL_WIDTH + value * scale);
    const end = LABEL_WIDTH + Math.max(bar.value, bar.max) * scale + 6;
    return (
      `<text class="label" x="${LABEL_WIDTH - 8}" y="${middle + 4}" text-anchor="end">${escapeXml(bar.label)}</text>` +
      `<rect class="${bar.kind}" x="${LABEL_WIDTH}" y="${top}" height="${BAR_HEIGHT}" rx="2" ` +
      `width="${fixed(Math.max(1, bar.value * scale))}"/>` +
      `<path class="whisker" d="M${x(bar.min)} ${middle}H${x(bar.max)}"/>` +
      `<text class="value" x="${fixed(end)}" y="${middle + 4}">${escapeXml(bar.text)}</text>`
    );
  });
  return frame(30 + bars.length * BAR_STEP, title, lines.join(''));
}

export interface Curve {
  readonly label: string;
  readonly kind: string;
  readonly points: readonly (readonly [number, number])[];
}

export interface Axes {
  readonly title: string;
  readonly xTicks: readonly { readonly at: number; readonly text: string }[];
  readonly yUnit: string;
}

const PLOT = { left: 70, right: 620, top: 30, bottom: 250 } as const;

/** Curves over a linear x; y is logarithmic, in whole powers of ten around what is shown. */
export function curveChart({ title, xTicks, yUnit }: Axes, curves: readonly Curve[]): string {
  const xs = xTicks.map((tick) => tick.at);
  const ys = curves.flatMap((curve) => curve.points.map(([, y]) => y)).filter((y) => y > 0);
  if (ys.length === 0 || xs.length === 0) return '';
  const [left, right] = [Math.min(...xs), Math.max(...xs)];
  const low = Math.floor(Math.log10(Math.min(...ys)));
  const high = Math.max(low + 1, Math.ceil(Math.log10(Math.max(...ys))));
  const width = PLOT.right - PLOT.left;
  const height = PLOT.bottom - PLOT.top;
  const x = (value: number): string =>
    fixed(PLOT.left + ((value - left) / Math.max(right - left, 1e-9)) * width);
  const y = (value: number): string =>
    fixed(PLOT.bottom - ((Math.log10(value) - low) / (high - low)) * height);
  let body = '';
  for (const { at, text } of xTicks) {
    body += `<path class="grid" d="M${x(at)} ${PLOT.top}V${PLOT.bottom}"/>`;
    body += `<text class="label" x="${x(at)}" y="${PLOT.bottom + 18}" text-anchor="middle">${escapeXml(text)}</text>`;
  }
  for (let power = low; power <= high; power += 1) {
    const at = 10 ** power;
    const text = `${Number(at.toPrecision(1))} ${yUnit}`;
    body += `<path class="grid" d="M${PLOT.left} ${y(at)}H${PLOT.right}"/>`;
    body += `<text class="label" x="${PLOT.left - 6}" y="${y(at)}" dy="4" text-anchor="end">${escapeXml(text)}</text>`;
  }
  for (const { kind, points } of curves) {
    const shown = points.filter(([, value]) => value > 0);
    const path = shown.map(([px, py], index) => `${index === 0 ? 'M' : 'L'}${x(px)} ${y(py)}`);
    body += `<path class="curve ${kind}" d="${path.join('')}"/>`;
    body += shown
      .map(([px, py]) => `<circle class="${kind}" cx="${x(px)}" cy="${y(py)}" r="2.5"/>`)
      .join('');
  }
  curves.forEach(({ label, kind }, index) => {
    const at = PLOT.left + (index % 3) * 185;
    const top = PLOT.bottom + 34 + Math.floor(index / 3) * 18;
    body += `<rect class="${kind}" x="${at}" y="${top}" width="10" height="10" rx="2"/>`;
    body += `<text class="label" x="${at + 15}" y="${top + 9}">${escapeXml(label)}</text>`;
  });
  const legend = Math.ceil(curves.length / 3) * 18;
  return frame(PLOT.bottom + 36 + legend, title, body);
}
