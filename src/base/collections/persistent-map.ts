/**
 * An ordered map that never changes: `with` and `without` make another one that shares all but the path to the key.
 *
 * Invariants:
 * - An AVL tree: the heights of two siblings differ by one at most, so a change copies at most 1.44 log2(size) nodes, and
 *   a few more to balance them.
 * - Iteration is in the order of `compare`.
 */
interface Entry<K, V> {
  readonly key: K;
  readonly value: V;
}
interface TreeNode<K, V> extends Entry<K, V> {
  readonly height: number;
  readonly left: Tree<K, V>;
  readonly right: Tree<K, V>;
}
type Tree<K, V> = TreeNode<K, V> | undefined;
type Compare<K> = (left: K, right: K) => number;

export class PersistentMap<K, V> {
  readonly size: number;
  readonly #compare: Compare<K>;
  readonly #root: Tree<K, V>;

  private constructor(compare: Compare<K>, root: Tree<K, V>, size: number) {
    this.#compare = compare;
    this.#root = root;
    this.size = size;
  }

  static empty<K, V>(compare: Compare<K>): PersistentMap<K, V> {
    return new PersistentMap<K, V>(compare, undefined, 0);
  }

  get(key: K): V | undefined {
    return find(this.#root, key, this.#compare)?.value;
  }

  has(key: K): boolean {
    return find(this.#root, key, this.#compare) !== undefined;
  }

  /** Its greatest key; undefined when there is none. */
  get lastKey(): K | undefined {
    let at = this.#root;
    while (at?.right !== undefined) at = at.right;
    return at?.key;
  }

  with(key: K, value: V): PersistentMap<K, V> {
    const isThere = this.has(key);
    const root = inserted(this.#root, { key, value, compare: this.#compare });
    return new PersistentMap(this.#compare, root, this.size + (isThere ? 0 : 1));
  }

  /** With entries that rise, all behind its last key: it costs each of them, and the height of the tree once. */
  withLast(entries: readonly (readonly [K, V])[]): PersistentMap<K, V> {
    const [first] = entries;
    if (first === undefined) return this;
    const size = this.size + entries.length;
    const behind = balancedTree(entries, 1, entries.length);
    const root = joined(this.#root, { key: first[0], value: first[1] }, behind);
    return new PersistentMap(this.#compare, root, size);
  }

  without(key: K): PersistentMap<K, V> {
    if (!this.has(key)) return this;
    return new PersistentMap(this.#compare, removed(this.#root, key, this.#compare), this.size - 1);
  }

  /** In order, each value as it is come to: stopping early costs no more than that. */
  *values(): Generator<V, undefined> {
    const path: TreeNode<K, V>[] = [];
    let at = this.#root;
    while (at !== undefined || path.length > 0) {
      while (at !== undefined) {
        path.push(at);
        at = at.left;
      }
      const top = path.pop();
      if (top === undefined) return undefined;
      yield top.value;
      at = top.right;
    }
    return undefined;
  }
}

function find<K, V>(root: Tree<K, V>, key: K, compare: Compare<K>): Tree<K, V> {
  let at = root;
  while (at !== undefined) {
    const order = compare(key, at.key);
    if (order === 0) return at;
    at = order < 0 ? at.left : at.right;
  }
  return undefined;
}

function inserted<K, V>(
  tree: Tree<K, V>,
  entry: { readonly key: K; readonly value: V; readonly compare: Compare<K> },
): TreeNode<K, V> {
  const { key, value, compare } = entry;
  if (tree === undefined) return { key, value, height: 1, left: undefined, right: undefined };
  const order = compare(key, tree.key);
  if (order === 0) return { ...tree, key, value };
  return order < 0
    ? balanced(tree, inserted(tree.left, entry), tree.right)
    : balanced(tree, tree.left, inserted(tree.right, entry));
}

/** `key` is in the tree. */
function removed<K, V>(tree: Tree<K, V>, key: K, compare: Compare<K>): Tree<K, V> {
  if (tree === undefined) return undefined;
  const order = compare(key, tree.key);
  if (order < 0) return balanced(tree, removed(tree.left, key, compare), tree.right);
  if (order > 0) return balanced(tree, tree.left, removed(tree.right, key, compare));
  if (tree.left === undefined) return tree.right;
  if (tree.right === undefined) return tree.left;
  let next = tree.right;
  while (next.left !== undefined) next = next.left;
  return balanced(next, tree.left, removed(tree.right, next.key, compare));
}

/** A node of `of`'s key and value over two subtrees whose heights differ by two at most. */
function balanced<K, V>(of: Entry<K, V>, left: Tree<K, V>, right: Tree<K, V>): TreeNode<K, V> {
  const tilt = heightOf(left) - heightOf(right);
  if (tilt > 1 && left !== undefined) {
    const { left: outer, right: inner } = left;
    if (inner === undefined || heightOf(outer) >= heightOf(inner))
      return node(left, outer, node(of, inner, right));
    return node(inner, node(left, outer, inner.left), node(of, inner.right, right));
  }
  if (tilt < -1 && right !== undefined) {
    const { left: inner, right: outer } = right;
    if (inner === undefined || heightOf(outer) >= heightOf(inner))
      return node(right, node(of, left, inner), outer);
    return node(inner, node(of, left, inner.left), node(right, inner.right, outer));
  }
  return node(of, left, right);
}

/** Of the entries in [from, end), which rise. */
function balancedTree<K, V>(
  entries: readonly (readonly [K, V])[],
  from: number,
  end: number,
): Tree<K, V> {
  const middle = (from + end) >>> 1;
  const entry = entries[middle];
  if (from >= end || entry === undefined) return undefined;
  const [key, value] = entry;
  return node(
    { key, value },
    balancedTree(entries, from, middle),
    balancedTree(entries, middle + 1, end),
  );
}

/** A tree of `left`, the entry behind it, and `right` behind that, of whatever heights. */
function joined<K, V>(left: Tree<K, V>, entry: Entry<K, V>, right: Tree<K, V>): TreeNode<K, V> {
  const tilt = heightOf(left) - heightOf(right);
  if (tilt > 1 && left !== undefined) return balanced(left, left.left, joined(left.right, entry, right)); // prettier-ignore
  if (tilt < -1 && right !== undefined) return balanced(right, joined(left, entry, right.left), right.right); // prettier-ignore
  return node(entry, left, right);
}

function node<K, V>(
  { key, value }: Entry<K, V>,
  left: Tree<K, V>,
  right: Tree<K, V>,
): TreeNode<K, V> {
  return { key, value, height: 1 + Math.max(heightOf(left), heightOf(right)), left, right };
}

function heightOf<K, V>(tree: Tree<K, V>): number {
  return tree === undefined ? 0 : tree.height;
}
