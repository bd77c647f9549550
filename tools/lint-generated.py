#!/usr/bin/env python3
"""Reads what `comicvine table print` writes with the tools that it is written for.

Needs Python's packages `awscli`, `botocore`, `cfn-lint` and `python-hcl2`; without them it ends with status 77.

- CloudFormation: cfn-lint, by the resource schemas of the service.
- IAM: cfn-lint too, as the document of a managed policy, whose actions and ARN it knows.
- Commands: each by the AWS command line, which checks them against the service's model and sends nothing.
- Terraform: the parser of HCL, and the blocks and arguments that the resource has to have.
- Dashboard: botocore's validator, and the JSON in it.
"""

import json
import os
import shlex
import subprocess
import sys
import tempfile

try:
    import botocore.session
    import botocore.validate
    import hcl2
except ImportError as error:
    print(f"not installed: {error.name}")
    sys.exit(77)

TABLE = ["--table", "comics"]
SPECS = {
    "on demand": TABLE,
    "with a region": TABLE + ["--region", "eu-west-1"],
    "in China": TABLE + ["--region", "cn-north-1", "--pitr"],
    "provisioned": TABLE
    + ["--billing", "provisioned", "--read-units", "5", "--write-units", "7", "--pitr"],
}


def printed(format, arguments):
    command = ["cargo", "run", "--quiet", "--locked", "-p", "comicvine-cli", "--"]
    command += ["table", "print", format, *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def run(what, command, **options):
    environment = {**os.environ, "AWS_EC2_METADATA_DISABLED": "true"}
    environment.setdefault("AWS_DEFAULT_REGION", "us-east-1")
    done = subprocess.run(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, **options
    )
    if done.returncode:
        sys.exit(f"{what}: {' '.join(command[:4])} failed with {done.returncode}\n{done.stdout}")


def cfn_lint(what, template, folder):
    path = os.path.join(folder, "template.json")
    with open(path, "w", encoding="utf-8") as file:
        file.write(template)
    # Every rule, warnings and information too.
    run(what, ["cfn-lint", "--non-zero-exit-code", "informational", "-i", "I", "--template", path])


def policy(document):
    properties = {"PolicyDocument": json.loads(document)}
    policy = {"Type": "AWS::IAM::ManagedPolicy", "Properties": properties}
    return json.dumps({"AWSTemplateFormatVersion": "2010-09-09", "Resources": {"Policy": policy}})


def commands(what, script):
    lines = script.replace("\\\n", " ").splitlines()
    for line in lines:
        words = shlex.split(line)
        if words[:3] == ["aws", "dynamodb", "wait"]:
            waiters = botocore.session.get_session().get_waiter_model("dynamodb").waiter_names
            assert words[3] == "table-exists" and "TableExists" in waiters, line
            continue
        # The input is checked against the service's model, and a sample of the answer is printed.
        run(f"{what}, {words[2]}", words + ["--generate-cli-skeleton", "output"])
    return len(lines)


def terraform(what, text):
    # In the order of the file, and each argument once: what terraform calls an unsupported or a missing one.
    resource = hcl2.loads(text)["resource"][0]
    clean = json.loads(json.dumps(resource).replace('\\"', ""))
    table = clean["aws_dynamodb_table"]["store"]
    known = {"name", "billing_mode", "hash_key", "range_key", "read_capacity", "write_capacity"}
    known |= {"attribute", "ttl", "global_secondary_index", "point_in_time_recovery", "lifecycle"}
    found = {key for key in table if not key.startswith("__")}
    assert found <= known, f"{what}: unknown {found - known}"
    keys = {table["hash_key"], table["range_key"]}
    for index in table["global_secondary_index"]:
        keys |= {index["hash_key"], index["range_key"]}
    # Terraform refuses attributes that no key uses, and keys without attribute.
    attributes = [attribute["name"] for attribute in table["attribute"]]
    assert sorted(attributes) == sorted(keys), f"{what}: {attributes} are not {keys}"


def dashboard(what, text):
    value = json.loads(text)
    model = botocore.session.get_session().get_service_model("cloudwatch")
    shape = model.operation_model("PutDashboard").input_shape
    report = botocore.validate.ParamValidator().validate(value, shape)
    assert not report.has_errors(), f"{what}: {report.generate_report()}"
    for widget in json.loads(value["DashboardBody"])["widgets"]:
        assert widget["properties"]["metrics"], what


def main():
    checked = 0
    with tempfile.TemporaryDirectory() as folder:
        for name, arguments in SPECS.items():
            cfn_lint(f"cloudformation, {name}", printed("cloudformation", arguments), folder)
            for format in ["iam", "iam-setup"]:
                cfn_lint(f"{format}, {name}", policy(printed(format, arguments)), folder)
            checked += 3 + commands(f"cli, {name}", printed("cli", arguments))
            terraform(f"terraform, {name}", printed("terraform", arguments))
            with_region = arguments if "--region" in arguments else arguments + ["--region", "us-east-1"]
            dashboard(f"dashboard, {name}", printed("dashboard", with_region))
            checked += 2
    print(f"{checked} documents and commands in {len(SPECS)} variants: nothing to object to")


if __name__ == "__main__":
    main()
