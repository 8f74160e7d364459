/**
 * Minimises a function of several numbers without its derivatives: the simplex method of J. A. Nelder and R. Mead, A
 * simplex method for function minimization, The Computer Journal 7 (1965). Coefficients, the first simplex and the test
 * for the end are the reference's, since forecasts are compared with it to six digits.
 */
const iterationsMax = 1000;
const reflection = 1;
const contraction = 0.5;
const expansion = 2;

export interface Minimum {
  readonly value: number;
  readonly at: Float64Array;
}

interface Simplex {
  readonly vertices: readonly Float64Array[];
  /** The function's value at each vertex. */
  readonly values: Float64Array;
}

interface Ranks {
  readonly best: number;
  readonly worst: number;
  readonly secondWorst: number;
}

/**
 * `measure` may change what it is given, as when it brings it into bounds; such changes stay in the simplex. Yields after
 * each iteration, so that a search over many values can be sliced and given up.
 */
export function* minimize(
  measure: (at: Float64Array) => number,
  start: Float64Array,
  epsilon: number,
): Generator<undefined, Minimum> {
  const simplex = firstSimplex(measure, start);
  for (let i = 0; i < iterationsMax; i++) {
    step(simplex, measure);
    if (deviation(simplex.values) < epsilon) break;
    yield undefined;
  }
  const { best } = rank(simplex.values);
  const vertex = simplex.vertices[best] ?? start;
  const at = vertex.slice();
  return { value: measure(vertex), at };
}

function firstSimplex(measure: (at: Float64Array) => number, start: Float64Array): Simplex {
  const n = start.length;
  const root = Math.sqrt(n + 1) - 1;
  const far = (root + n) / (n * Math.SQRT2);
  const near = root / (n * Math.SQRT2);
  const vertices = Array.from({ length: n + 1 }, (_, i) =>
    i === 0 ? start.slice() : start.map((x, j) => (i - 1 === j ? far : near) + x),
  );
  return { vertices, values: Float64Array.from(vertices, (vertex) => measure(vertex)) };
}

function rank(values: Float64Array): Ranks {
  let best = 0;
  let worst = 0;
  for (let i = 0; i < values.length; i++) {
    if ((values[i] ?? 0) > (values[worst] ?? 0)) worst = i;
    if ((values[i] ?? 0) < (values[best] ?? 0)) best = i;
  }
  let secondWorst = best;
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? 0;
    if (value > (values[secondWorst] ?? 0) && value < (values[worst] ?? 0)) secondWorst = i;
  }
  return { best, worst, secondWorst };
}

/** One iteration: the worst vertex is moved, or all are drawn to the best. */
function step({ vertices, values }: Simplex, measure: (at: Float64Array) => number): void {
  const { best, worst, secondWorst } = rank(values);
  const worstVertex = vertices[worst] ?? new Float64Array();
  const centre = centroid(vertices, worst);
  const replaceWorst = (vertex: Float64Array, value: number): void => {
    worstVertex.set(vertex);
    values[worst] = value;
  };
  const reflected = blend(centre, worstVertex, -reflection);
  const value = measure(reflected);
  const bestValue = values[best] ?? 0;
  const secondValue = values[secondWorst] ?? 0;
  if (value < secondValue && value >= bestValue) replaceWorst(reflected, value);
  if (value < bestValue) {
    const expanded = blend(centre, reflected, expansion);
    const expandedValue = measure(expanded);
    if (expandedValue < value) replaceWorst(expanded, expandedValue);
    else replaceWorst(reflected, value);
  }
  if (!(value >= (values[secondWorst] ?? 0))) return;
  const isOutside = value < (values[worst] ?? 0);
  const contracted = blend(centre, isOutside ? reflected : worstVertex, contraction);
  const contractedValue = measure(contracted);
  if (contractedValue < (values[worst] ?? 0)) {
    replaceWorst(contracted, contractedValue);
    return;
  }
  shrink(vertices, best);
  for (const i of [worst, secondWorst]) values[i] = measure(vertices[i] ?? new Float64Array());
}

/** centre + factor x (point - centre). */
function blend(centre: Float64Array, point: Float64Array, factor: number): Float64Array {
  return centre.map((x, i) => x + factor * ((point[i] ?? 0) - x));
}

function centroid(vertices: readonly Float64Array[], without: number): Float64Array {
  const n = vertices.length - 1;
  const centre = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let sum = 0;
    for (let v = 0; v <= n; v++) if (v !== without) sum += vertices[v]?.[i] ?? 0;
    centre[i] = sum / n;
  }
  return centre;
}

function shrink(vertices: readonly Float64Array[], best: number): void {
  const target = vertices[best] ?? new Float64Array();
  vertices.forEach((vertex, i) => {
    if (i === best) return;
    for (let j = 0; j < vertex.length; j++)
      vertex[j] = (target[j] ?? 0) + ((vertex[j] ?? 0) - (target[j] ?? 0)) / 2;
  });
}

/** Of the values, over the number of dimensions. */
function deviation(values: Float64Array): number {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const n = values.length - 1;
  let sum = 0;
  for (const value of values) sum += ((value - mean) * (value - mean)) / n;
  return Math.sqrt(sum);
}
