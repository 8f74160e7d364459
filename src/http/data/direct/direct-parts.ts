import type { Admit } from '../access/gate.ts';
import type { DataApiOptions, DataApiPorts } from '../data-api-options.ts';
import type { FixedHeaders } from '../answers/fixed-headers.ts';
import type { AccessLog } from '../requests/access-log.ts';
import type { BodyBudget } from '../requests/body-budget.ts';
import type { BodyBuffers } from '../requests/gathered-body.ts';
import type { IdleWatch } from '../requests/idle-watch.ts';
import type { RequestCounters } from '../requests/request-counters.ts';
import type { RequestProfiles } from '../requests/request-profiles.ts';
import type { WriteThrottle } from '../requests/write-throttle.ts';

/** What requests share, whoever reads them. */
export interface DirectParts {
  readonly ports: DataApiPorts;
  readonly options: DataApiOptions;
  readonly fixed: FixedHeaders;
  readonly counters: RequestCounters;
  readonly accessLog: AccessLog;
  readonly throttle: WriteThrottle;
  readonly admit: Admit;
  readonly profiles: RequestProfiles;
  readonly budget: BodyBudget;
  readonly buffers: BodyBuffers;
  /** Clients that send nothing of a body. */
  readonly idle: IdleWatch;
  /** Those that have closed their sending side. */
  readonly halfOpen: IdleWatch;
}

/** What answers say, whatever they answer. */
export interface SharedAnswers {
  /** Of now, as HTTP writes it. */
  readonly date: () => string;
  readonly isClosing: () => boolean;
}
