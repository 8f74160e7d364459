// Made by scripts/build-proto.ts from src/proto/*.proto.
export interface MessageType {
  readonly prototype: object;
  encode(message: object, writer?: object): { finish(): Uint8Array };
  decode(reader: object): object;
}

export const varve: {
  readonly catalog: {
    readonly v1: {
      readonly Command: MessageType;
      readonly FoundCluster: MessageType;
      readonly CreateMetaNode: MessageType;
      readonly NodeId: MessageType;
      readonly CreateDataNode: MessageType;
      readonly UpdateDataNode: MessageType;
      readonly SetNodeLabels: MessageType;
      readonly NodeLabel: MessageType;
      readonly DeleteNodeLabels: MessageType;
      readonly CreateDatabase: MessageType;
      readonly Name: MessageType;
      readonly NameOfDatabase: MessageType;
      readonly PolicySpec: MessageType;
      readonly CreateRetentionPolicy: MessageType;
      readonly AlterRetentionPolicy: MessageType;
      readonly CreateShardGroups: MessageType;
      readonly TruncateShardGroups: MessageType;
      readonly DeleteShardGroup: MessageType;
      readonly PruneShardGroups: MessageType;
      readonly DropShard: MessageType;
      readonly AddShardOwner: MessageType;
      readonly BeginShardCopy: MessageType;
      readonly NamedShardCopy: MessageType;
      readonly BeginMovePlan: MessageType;
      readonly ProposedMove: MessageType;
      readonly ExtendMovePlan: MessageType;
      readonly PauseMovePlan: MessageType;
      readonly AdvanceShardMove: MessageType;
      readonly EndMovePlan: MessageType;
      readonly RemoveShardOwner: MessageType;
      readonly CreateContinuousQuery: MessageType;
      readonly MarkContinuousQueries: MessageType & {
        readonly Mark: MessageType;
      };
      readonly CreateSubscription: MessageType;
      readonly DropSubscription: MessageType;
      readonly CreateUser: MessageType;
      readonly SetUserHash: MessageType;
      readonly SetUserAdmin: MessageType;
      readonly SetUserPrivilege: MessageType;
      readonly RevokeUserPrivilege: MessageType;
      readonly CreatePermittedUser: MessageType;
      readonly ChangePermissions: MessageType;
      readonly ScopedPermissions: MessageType;
      readonly CreateRole: MessageType;
      readonly ChangeRoleUsers: MessageType;
      readonly CreateAclRule: MessageType;
      readonly AclRule: MessageType;
      readonly TextMatch: MessageType;
      readonly TagMatch: MessageType;
      readonly SetLdapConfig: MessageType;
      readonly DropAclRule: MessageType;
      readonly ImportDatabases: MessageType;
      readonly RestoreDatabases: MessageType;
      readonly FinishRestore: MessageType;
      readonly OverwriteDatabases: MessageType;
      readonly AcquireLease: MessageType;
    };
  };
  readonly data: {
    readonly v1: {
      readonly StatusRequest: MessageType;
      readonly StatusReply: MessageType & {
      };
      readonly JoinRequest: MessageType & {
        readonly Shard: MessageType;
      };
      readonly JoinReply: MessageType;
      readonly DataIdentity: MessageType;
      readonly LeaveRequest: MessageType;
      readonly LeaveReply: MessageType;
      readonly DiscardRequest: MessageType;
      readonly DiscardReply: MessageType;
      readonly StatesRequest: MessageType;
      readonly StatesReply: MessageType & {
        readonly State: MessageType;
      };
      readonly LdapCacheRequest: MessageType;
      readonly LdapCacheReply: MessageType;
      readonly WriteShardsRequest: MessageType & {
        readonly ShardBatch: MessageType;
        readonly Fence: MessageType;
        readonly Call: MessageType;
      };
      readonly SettledRequest: MessageType;
      readonly SettledReply: MessageType;
      readonly KeepWritesRequest: MessageType;
      readonly KeepWritesReply: MessageType;
      readonly WriteShardsReply: MessageType & {
        readonly Outcome: MessageType;
        readonly Written: MessageType;
        readonly Failed: MessageType;
      };
      readonly DescribeRequest: MessageType;
      readonly DescribeReply: MessageType & {
        readonly Measurement: MessageType;
        readonly Field: MessageType;
        readonly Lane: MessageType;
      };
      readonly ListRequest: MessageType & {
        readonly Measurement: MessageType;
      };
      readonly Names: MessageType;
      readonly ListReply: MessageType & {
        readonly Piece: MessageType;
      };
      readonly MarksRequest: MessageType;
      readonly MarksReply: MessageType;
      readonly Pledge: MessageType;
      readonly EndPledgeRequest: MessageType;
      readonly EndPledgeReply: MessageType;
      readonly HearCatalogRequest: MessageType;
      readonly HearCatalogReply: MessageType;
      readonly FragmentRequest: MessageType & {
        readonly FollowingFragment: MessageType;
      };
      readonly FragmentReply: MessageType;
      readonly AnswerRequest: MessageType & {
        readonly OwnTimes: MessageType;
      };
      readonly BlocksReply: MessageType;
      readonly AnswerReply: MessageType;
      readonly DeletePointsRequest: MessageType & {
        readonly Measurement: MessageType;
      };
      readonly DeletePointsReply: MessageType;
      readonly DecideFieldTypesRequest: MessageType;
      readonly DecideFieldTypesReply: MessageType;
      readonly TypedField: MessageType;
      readonly DigestRequest: MessageType;
      readonly DigestReply: MessageType;
      readonly StoredDeletesRequest: MessageType;
      readonly StoredDeletesReply: MessageType;
      readonly StoredDelete: MessageType;
      readonly SeriesDigestsRequest: MessageType;
      readonly SeriesDigestsReply: MessageType;
      readonly SeriesDigest: MessageType;
      readonly RangePointsRequest: MessageType;
      readonly SeriesSlices: MessageType;
      readonly RangePointsReply: MessageType;
      readonly SketchRequest: MessageType;
      readonly SketchReply: MessageType;
      readonly PickedPointsRequest: MessageType;
      readonly PickedPointsReply: MessageType;
      readonly BringRequest: MessageType;
      readonly BringReply: MessageType;
      readonly BatchStamp: MessageType;
      readonly RepairsRequest: MessageType;
      readonly RepairsReply: MessageType;
      readonly ShardRepair: MessageType;
      readonly QueueRepairRequest: MessageType;
      readonly QueueRepairReply: MessageType;
      readonly CancelRepairRequest: MessageType;
      readonly CancelRepairReply: MessageType;
      readonly SnapshotRequest: MessageType;
      readonly SnapshotReply: MessageType;
      readonly SnapshotFile: MessageType;
      readonly ReadFileRequest: MessageType;
      readonly ReadFileReply: MessageType;
      readonly ReleaseRequest: MessageType;
      readonly ReleaseReply: MessageType;
      readonly StageRequest: MessageType;
      readonly StageReply: MessageType;
      readonly WriteFileRequest: MessageType;
      readonly WriteFileReply: MessageType;
      readonly InstallRequest: MessageType;
      readonly InstallReply: MessageType;
      readonly UnstageRequest: MessageType;
      readonly UnstageReply: MessageType;
      readonly CopyRequest: MessageType;
      readonly CopyReply: MessageType;
      readonly CopiesRequest: MessageType;
      readonly CopiesReply: MessageType;
      readonly CopyProgress: MessageType;
      readonly ListQueriesRequest: MessageType;
      readonly ListQueriesReply: MessageType & {
        readonly Query: MessageType;
      };
      readonly KillQueryRequest: MessageType;
      readonly KillQueryReply: MessageType;
      readonly ExchangeHintsRequest: MessageType;
      readonly ExchangeHintsReply: MessageType;
      readonly RepairedShard: MessageType;
      readonly WaitingHints: MessageType;
    };
  };
  readonly meta: {
    readonly v1: {
      readonly Member: MessageType;
      readonly Voters: MessageType;
      readonly RaftEntry: MessageType;
      readonly RaftIdentity: MessageType;
      readonly RaftHardState: MessageType;
      readonly RaftMessages: MessageType;
      readonly RaftReceipt: MessageType;
      readonly ProofRequest: MessageType;
      readonly ProofReply: MessageType;
      readonly ListenRequest: MessageType;
      readonly RaftMessage: MessageType & {
        readonly Vote: MessageType;
        readonly VoteReply: MessageType;
        readonly Append: MessageType;
        readonly AppendReply: MessageType;
        readonly Heartbeat: MessageType;
        readonly HeartbeatReply: MessageType;
        readonly Snapshot: MessageType;
        readonly TimeoutNow: MessageType;
      };
      readonly ExecuteRequest: MessageType;
      readonly ExecuteReply: MessageType & {
        readonly Executed: MessageType;
      };
      readonly LeaseRequest: MessageType;
      readonly LeaseReply: MessageType & {
        readonly Granted: MessageType;
        readonly Refused: MessageType;
      };
      readonly WatchRequest: MessageType;
      readonly WatchReply: MessageType;
      readonly CatalogStep: MessageType;
      readonly CatalogChange: MessageType;
      readonly CatalogCounts: MessageType;
      readonly JoinRequest: MessageType;
      readonly JoinReply: MessageType;
      readonly ReadIndexRequest: MessageType;
      readonly ReadIndexReply: MessageType;
      readonly RemoveRequest: MessageType;
      readonly RemoveReply: MessageType;
      readonly StatusRequest: MessageType;
      readonly StatusReply: MessageType;
      readonly Announcement: MessageType & {
        readonly HeardOf: MessageType;
      };
      readonly AnnouncementReceipt: MessageType;
    };
  };
};

export const grpc: {
  readonly health: {
    readonly v1: {
      readonly HealthCheckRequest: MessageType;
      readonly HealthCheckResponse: MessageType & {
      };
    };
  };
  readonly reflection: {
    readonly v1: {
      readonly ServerReflectionRequest: MessageType;
      readonly ExtensionRequest: MessageType;
      readonly ServerReflectionResponse: MessageType;
      readonly FileDescriptorResponse: MessageType;
      readonly ExtensionNumberResponse: MessageType;
      readonly ListServiceResponse: MessageType;
      readonly ServiceResponse: MessageType;
      readonly ErrorResponse: MessageType;
    };
  };
};

export const influxdb: {
  readonly v1: {
    readonly Meta: MessageType;
    readonly Node: MessageType;
    readonly Label: MessageType;
    readonly Lease: MessageType;
    readonly AnsweredCommand: MessageType;
    readonly Database: MessageType;
    readonly RetentionPolicy: MessageType;
    readonly ShardGroup: MessageType;
    readonly Shard: MessageType;
    readonly JoinedOwner: MessageType;
    readonly ShardCopy: MessageType;
    readonly MovePlan: MessageType;
    readonly ShardMove: MessageType;
    readonly ShardOwner: MessageType;
    readonly Subscription: MessageType;
    readonly ContinuousQuery: MessageType;
    readonly User: MessageType;
    readonly ScopedPermissions: MessageType;
    readonly Role: MessageType;
    readonly Acl: MessageType;
    readonly AclRule: MessageType;
    readonly TextMatch: MessageType;
    readonly TagMatch: MessageType;
    readonly Privilege: MessageType;
    readonly BackupMeta: MessageType;
  };
};
