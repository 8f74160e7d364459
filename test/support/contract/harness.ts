/**
 * How a contract suite gets at an implementation: `run` makes fresh ports, runs the body to its end and cleans up.
 * The real one just awaits; the simulated one runs its world meanwhile.
 */
export type Run<Ports> = (body: (ports: Ports) => Promise<void>) => Promise<void>;
