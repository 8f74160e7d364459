/** What of the checks of rows is switched on or off (`[data]`); the node's, all its shards'. */
export interface RowChecks {
  /** `validate-keys`: keys of series that cannot be printed are refused. */
  readonly validatesKeys: boolean;
  /** `skip-field-size-validation`: texts longer than the reference's limit are taken. */
  readonly takesLongTexts: boolean;
}

export const usualChecks: RowChecks = { validatesKeys: false, takesLongTexts: false };
