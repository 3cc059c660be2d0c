// In place of Amazon's EC2 client; see ec2.go.
module github.com/aws/aws-sdk-go-v2/service/ec2

go 1.20

require github.com/aws/aws-sdk-go-v2 v1.25.0

require github.com/aws/smithy-go v1.20.0 // indirect
