/** Statements that ours answers otherwise on purpose, or must. */
const statements: readonly (readonly [statement: RegExp, reason: string])[] = [
  [/\bsample\(/, 'chance picks the points'],
  [
    /^SELECT .*\b_(name|tagKey|seriesKey)\b.* FROM|_(tagKey|seriesKey)\b/,
    'names of the system are none of rows here; there a SELECT of them gives a row of nothing for each series',
  ],
  [
    /integral\(.*(GROUP BY|FROM (.*,|\S*\/))/,
    'the last windows of all groups stand behind the others there, in the order of a map',
  ],
  [
    /\(SELECT [^()]*\([^()]*\).*? AS \w+, .*?\w\(.*? AS \w+ FROM .*\)/,
    'two calls in the list of a grouped subquery are joined row by row there, in an order of the heap that is not the same for both',
  ],
  [
    /FROM \(SELECT .*(LIMIT|OFFSET) \d+.*\)/,
    'under a call that needs no order a page inside of a subquery is cut in the order of the heap there',
  ],
  [
    /^SELECT .*\w\(.*FROM \(.*\bmode\(/,
    'under a call that needs no order mode() has its points in the order of the heap there, of which values as frequent as others depend',
  ],
  [
    /^SHOW .*CARDINALITY\b.*\bWHERE .*\b[vn] /,
    'a condition on a field is asked there of the point at 1970-01-01, of which only `far` has some',
  ],
  [
    /^SELECT (mean|sum|count|min|max|first|last)\(.*FROM \(SELECT (top|bottom)\(.*\) .*GROUP BY time/,
    'under a call that needs no order the points of top() come by value there, so that a window comes more than once',
  ],
  [
    /^GET \/(health|api\/v2\/buckets \{"(id|name)")/,
    'versions are told, and of a bucket that is not there an answer follows the error there',
  ],
  [/^POST \/api\/v2\/delete .*"predicate":"'"/, 'a predicate may not take the range into a text'],
  [
    /\b(abs|round|floor|ceil|sqrt|exp|ln|log\w*|pow|a?sin|a?cos|a?tan2?)\(\w+\([^()]*::tag\).*fill\(-?\d/,
    'what stands for a call of a tag goes through no function of numbers here',
  ],
  [
    /\w+::tag( AS \w+)? FROM \(SELECT|(top|bottom)\(\w+, \w+, .*\bnosuch AS /,
    'a column of a subquery that is asked for as a tag, or hides one, goes through functions of numbers there as what it is',
  ],
  [
    /^EXPLAIN ANALYZE .*~ \/\^[^.*+?\[]*\$\//,
    'a pattern of one whole text is told as that text there',
  ],
  [
    /^SHOW FIELD KEYS .*ORDER BY (time )?DESC/i,
    'the fields that a measurement has in each shard come apart there',
  ],
  [
    /^SHOW (TAG (KEYS|VALUES).* WHERE .*[<>]=? *("|[a-z])|FIELD KEY .*WHERE )/,
    'two names compared by what is no equality, and conditions beside field keys, are asked of the rows of the names there',
  ],
  [
    /WHERE .*\b(abs|round|floor|ceil|sqrt|exp|ln|log\w*|pow|a?sin|a?cos|a?tan2?)\([^()]*[-+*\/%&|^]/,
    'arithmetic inside of a math function of a condition is met by no row there',
  ],
  [
    /FROM far\b.*GROUP BY time/i,
    'windows that reach beyond the ends of time wrap there, and come more than once',
  ],
  [
    /FROM \(.*FROM ages\b.*GROUP BY time/,
    'windows of a subquery that come more than once take those that are filled, window by window, beyond the ends of time, where they wrap',
  ],
  [/SLIMIT|SOFFSET/i, 'there each shard has its own page of series, here a query has one'],
  [
    /\bSHOW SERIES (?!.*LIMIT).*\btime\b.*OFFSET \d/i,
    'with a bound of time each shard lists no more than OFFSET + 1 series of a measurement there, and the rest are lost',
  ],
  [
    /\btime (<|>|>=) -?922337203685477580[78]\b|-?922337203685477580[78] (>|<|<=) time\b/,
    'bounds next to the ends of what a number can be wrap there: all rows come, or none, or the first time stands beside a call',
  ],
  [
    /\(time\) *[<>=!]|['"] *= *\+? *\d+s\b/,
    'time inside of parentheses, and a comparison that is compared with a length of time, hold everywhere there',
  ],
  [
    /FROM (\(.*\), .*(odd name|\/)|.*(odd name|\/).*, \()/,
    'a name that is a tag of a subquery and a number of another source has a type for each there; a column has one type here',
  ],
  [
    /^SELECT (first|last)\(\w+\), .*FROM \(.*\b(distinct|mean|sum|count|median|spread|stddev)\(/,
    'calls of a subquery without windows give each of its groups the same time, and of rows of one time and value the heap picks one',
  ],
  [
    /FROM \(SELECT .*\).*GROUP BY time\(.*\btz\('/,
    'windows of a subquery are cut by the offset of the row before there, and come twice where clocks change',
  ],
];

/** The same of the database that changes. */
const ofChanged: readonly (readonly [statement: RegExp, reason: string])[] = [
  [
    /^SHOW |\*/,
    'a series without points, and with it names, stay in the index there after some deletes by time, and after a write that was refused',
  ],
];

/** The same of a cluster. */
const ofClusters: readonly (readonly [statement: RegExp, reason: string])[] = [
  [/^(.*; )?DROP SHARD \d+/, 'a shard that is not there is dropped'],
  [
    /\bCREATE DATABASE \S+ WITH REPLICATION 1/,
    'a database has a copy on each of some nodes unless it is said, and one of another number is another',
  ],
  [
    /^(?!.*LIMIT).*\bOFFSET [1-9]/,
    'rows of an offset without a limit are cut off by each shard, of which a node has one of its own',
  ],
  [
    /\b(top|bottom)\(.*\b(LIMIT|OFFSET) /,
    'points that it reads are cut off by each shard there, of which a node has one of its own',
  ],
];

/** How two answers to some statements may differ of a cluster. */
const ofClusterStatements: readonly (readonly [
  statement: RegExp,
  difference: RegExp,
  reason: string,
])[] = [
  // prettier-ignore
  [
    /^write /,
    /field type conflict|dropped=\d+/,
    'each shard decides the types of fields and says what it drops, and each node has a shard of the time',
  ],
];

/** Answers of theirs that are not to be matched. */
const answers: readonly (readonly [answer: RegExp, reason: string])[] = [
  [
    /("statement_id":0,"error":"|^error\n"?)SHOW [A-Z ]+ doesn't support time/,
    'it says so of the first statement, whichever it is',
  ],
  [/\[panic:/, 'it fell'],
  [
    /found (DURATION|REPLICATION|SHARD|NAME|DEFAULT|PAST|FUTURE), expected (;|REPLICATION)/,
    'clauses of a policy stand in any order',
  ],
  [/Invalid header value char/, 'bytes that a header cannot carry break the answer'],
  [/unsupported count_hll iterator type/, 'it says so where there is nothing to count'],
  [
    /^\{"error":"json: unsupported value/,
    'rows have left here when a number comes that JSON has no word for: the error stands at their end',
  ],
  [/s,replicaN,/, 'the name of the column stands where the replication belongs'],
];

/** How two answers to some statements may differ. */
const ofStatements: readonly (readonly [statement: RegExp, difference: RegExp, reason: string])[] =
  [
    [
      /FROM .*\b(\w+|\/.*\/), .*(\b\1\b|\/)/,
      /row \d+\[\d+\]: .* not .*$/,
      'rows of a measurement that is named twice have equals, between which the heap decides',
    ],
    [
      /(derivative|difference|elapsed|moving_average|cumulative_sum|_ratio|_index|_oscillator)\(.*FROM .*\b(\w+|\/.*\/), .*(\b\2\b|\/)/,
      /./,
      'a measurement that is named twice is transformed once for each there, and here as one',
    ],
    [
      /GROUP BY time\(\w+, .*\btz\('/,
      /\[\d\]: \S+ not \S+$| \d+ not \d+$| elements not \d+$|keys statement_id not series,statement_id$/,
      'with an offset of the windows points behind a change of the clocks stand a window early there, and windows come twice',
    ],
    [
      /^(DELETE|DROP SERIES)\b.* WHERE /,
      /results\[0\]keys (error,statement_id not statement_id|statement_id not error,statement_id)$/,
      'a condition that names of tags do not decide is refused wherever it stands in the range of time, also where no series or measurement is left for it',
    ],
    [
      /^write /,
      /field type conflict: .* not "partial write: field type conflict/,
      'a point that gives a field twice, of two types, is refused by itself; there its first type counts for those behind it',
    ],
    [
      /^CREATE CONTINUOUS QUERY/,
      /expected GROUP BY time\(\.\.\.\) at line/,
      'the token beside which GROUP BY time() is missing may be the next one',
    ],
    [
      /^write /,
      /invalid field name: .* not "partial write: field type conflict/,
      'of several reasons for which points are dropped, a field named time is told first',
    ],
    [
      /\bholt_winters(_with_fit)?\((mean|sum|stddev)\(/,
      /\[\d\]: \S+ not \S+$/,
      'the last digit of a sum of floats decides where the search for a minimum ends; of the same points both end at the same',
    ],
    [
      /\bmean\(/,
      /"edges".*row \d+\[\d+\]: \S+ not \S+$/,
      'means of whole numbers at the ends of what one can be are those of their exact sums, there those of the means of series',
    ],
    [
      /\bmean\(\S+::unsigned\)/,
      /\[\d\]: \S+ not \S+$/,
      'whole numbers that wrap are summed as such, there the means of series and shards are',
    ],
    [
      /^SHOW (SERIES|MEASUREMENT) CARDINALITY/,
      /: \d+ not \d+$/,
      'an estimate by sketches whose hashes are others',
    ],
  ];

/** The same of data with several rows of one time. */
const ofTies: readonly (readonly [statement: RegExp, difference: RegExp, reason: string])[] = [
  [
    /\b(integral|mode)\(/,
    /\[\d\]: \S+ not \S+$/,
    'the heap orders the points of one time that it takes from several series',
  ],
  [
    /\b(first|last|top|bottom|percentile|\w*exponential_\w+|relative_strength_index|chande_\w+|kaufmans_\w+|cumulative_sum|(non_negative_)?(difference|derivative)|moving_average)\(|order by time desc limit 1$|LIMIT/,
    /row \d+\[\d\]: \S+ not \S+$|values: \d+ not \d+$| \d+ rows not \d+$/,
    'of several rows of one time the heap gives one, or one after the other',
  ],
  [/./, /row \d+\[\d\]: -?0 not -?0$/, 'of zeros of both signs at one time the heap gives one'],
];

/** How two answers may differ. */
const differences: readonly (readonly [difference: RegExp, reason: string])[] = [
  [/: (-?\d{10})\d{6,} not \1\d{6,}$/, 'the last digit of a float so large that it has no point'],
];

/** The reason why two servers differ over a statement; undefined where they should not. */
export function purposeOf(one: {
  readonly statement: string;
  readonly theirs: string;
  readonly difference: string;
  /** Of the database that changes. */
  readonly isOfChanged: boolean;
  readonly isCluster: boolean;
  /** Of data with several rows of one time. */
  readonly hasTies: boolean;
}): string | undefined {
  const reasonIn = (rules: readonly (readonly [RegExp, string])[], text: string) =>
    rules.find(([pattern]) => pattern.test(text))?.[1];
  const pairs = [
    ...ofStatements,
    ...(one.hasTies ? ofTies : []),
    ...(one.isCluster ? ofClusterStatements : []),
  ];
  return (
    pairs.find(
      ([statement, difference]) => statement.test(one.statement) && difference.test(one.difference),
    )?.[2] ??
    reasonIn(statements, one.statement) ??
    (one.isOfChanged ? reasonIn(ofChanged, one.statement) : undefined) ??
    (one.isCluster ? reasonIn(ofClusters, one.statement) : undefined) ??
    reasonIn(answers, one.theirs) ??
    reasonIn(differences, one.difference)
  );
}
