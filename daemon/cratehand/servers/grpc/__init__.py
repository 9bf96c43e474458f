"""The gRPC server; `cratehand.servers.grpc.server.GrpcServer` is what others start."""
