/** Of `[http]` (spec 5). */
export interface AccessOptions {
  readonly isEnabled: boolean;
  readonly guardsPing: boolean;
  readonly guardsProfiles: boolean;
  readonly guardsPrometheusReads: boolean;
  /** Of tokens; '' where there are none. */
  readonly sharedSecret: string;
  readonly realm: string;
}

/** Anyone may do anything. */
export const openAccess: AccessOptions = {
  isEnabled: false,
  guardsPing: false,
  guardsProfiles: false,
  guardsPrometheusReads: false,
  sharedSecret: '',
  realm: 'InfluxDB',
};
