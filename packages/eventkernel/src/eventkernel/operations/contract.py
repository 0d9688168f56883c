"""The contract of the operations RPC, for those who call it and those who serve it."""

from mentoring.operations.v1 import operations_pb2 as pb

from eventkernel.contract import Contract

CONTRACT = Contract([pb.DESCRIPTOR])
