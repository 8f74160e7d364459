/** The nodes of a development cluster: their ports, folders and configuration files. */
import { createServer } from 'node:net';
import { join } from 'node:path';

const loopback = '127.0.0.1';
const portMax = 65_535;

export interface ClusterShape {
  readonly metas: number;
  readonly data: number;
  /** Data nodes that own no shard, after the others. */
  readonly passive: number;
  readonly portOffset: number;
}

export interface ClusterNode {
  readonly name: string;
  readonly kind: 'meta' | 'data';
  readonly isPassive: boolean;
  readonly bin: 'influxd' | 'influxd-meta';
  readonly folder: string;
  readonly configPath: string;
  readonly logPath: string;
  readonly host: string;
  /** Where it runs: a network namespace, or '' for that of the launcher. */
  readonly namespace: string;
  readonly http: string;
  readonly tcp: string;
}

/** Addresses of nodes that have a network namespace of their own, so that they can be parted; somebody has made it. */
export function namespacedHost(kind: 'meta' | 'data', number: number): string {
  return `10.213.0.${(kind === 'meta' ? 10 : 100) + number}`;
}

/** What all nodes of a cluster are configured with. */
export interface DevSettings {
  readonly license: DevLicense;
  /** What its nodes know each other by. */
  readonly secret: string;
}

export interface DevLicense {
  readonly path: string;
  readonly publicKey: string;
}

/**
 * Node i of a kind has the default ports + 100 x (i - 1). With `namespaces` each runs in the network namespace of that name, a
 * dash and its own. Throws when a port is past the last one.
 */
export function nodesOf(dir: string, shape: ClusterShape, namespaces = ''): ClusterNode[] {
  const { metas, data, passive, portOffset } = shape;
  const all = (kind: 'meta' | 'data', count: number) =>
    Array.from({ length: count }, (_, i) => {
      return nodeOf({ dir, kind, i, portOffset, namespaces, isPassive: kind === 'data' && i >= data }); // prettier-ignore
    });
  return [...all('meta', metas), ...all('data', data + passive)];
}

function nodeOf(place: {
  readonly dir: string;
  readonly kind: 'meta' | 'data';
  readonly i: number;
  readonly portOffset: number;
  readonly namespaces: string;
  readonly isPassive: boolean;
}): ClusterNode {
  const { dir, kind, i, portOffset, namespaces, isPassive } = place;
  const isMeta = kind === 'meta';
  const bin = isMeta ? 'influxd-meta' : 'influxd';
  const name = `${kind}-${i + 1}`;
  const folder = join(dir, name);
  const host = namespaces === '' ? loopback : namespacedHost(kind, i + 1);
  const address = (port: number): string => {
    const shifted = port + portOffset + 100 * i;
    if (shifted > portMax) throw new Error(`${name} would have port ${shifted}: there is none`);
    return `${host}:${shifted}`;
  };
  return {
    name,
    kind,
    isPassive,
    bin,
    folder,
    configPath: join(folder, isMeta ? 'influxdb-meta.conf' : 'influxdb.conf'),
    logPath: join(folder, `${bin}.log`),
    host,
    namespace: namespaces === '' ? '' : `${namespaces}-${name}`,
    http: address(isMeta ? 8091 : 8086),
    tcp: address(isMeta ? 8089 : 8088),
  };
}

/** Throws naming every port that something else has. */
export async function assertPortsFree(nodes: readonly ClusterNode[]): Promise<void> {
  const taken: string[] = [];
  for (const { name, http, tcp } of nodes.filter(({ namespace }) => namespace === ''))
    for (const address of [http, tcp])
      if (!(await isFree(address))) taken.push(`port ${portOf(address)} is taken (${name})`);
  if (taken.length === 0) return;
  throw new Error(`${taken.join('\n')}\nstop what listens there, or use --port-offset`);
}

function isFree(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => {
      resolve(false);
    });
    probe.listen({ port: portOf(address), host: loopback }, () => {
      probe.close(() => {
        resolve(true);
      });
    });
  });
}

function portOf(address: string): number {
  return Number(address.split(':')[1]);
}

export function configOf(node: ClusterNode, { license, secret }: DevSettings): string {
  const text = JSON.stringify;
  const { host, namespace } = node;
  // In a namespace of its own clients come another way than nodes, which is not cut.
  const bind = (address: string): string =>
    namespace === '' ? address : `0.0.0.0:${portOf(address)}`;
  const enterprise = `[enterprise]
  license-path = ${text(license.path)}
  license-public-key-path = ${text(license.publicKey)}
`;
  if (node.kind === 'meta')
    return `hostname = "${host}"

${enterprise}
[meta]
  dir = ${text(join(node.folder, 'meta'))}
  bind-address = "${bind(node.tcp)}"
  http-bind-address = "${bind(node.http)}"
  internal-shared-secret = ${text(secret)}
`;
  return `hostname = "${host}"
bind-address = "${bind(node.tcp)}"

${enterprise}
[meta]
  dir = ${text(join(node.folder, 'meta'))}
  meta-internal-shared-secret = ${text(secret)}

[data]
  dir = ${text(join(node.folder, 'data'))}
  wal-dir = ${text(join(node.folder, 'wal'))}

[hinted-handoff]
  dir = ${text(join(node.folder, 'hh'))}

[http]
  bind-address = "${bind(node.http)}"
  log-enabled = false
`;
}
