//! Bad input: the message, the hint, the exit code.

use insta::assert_snapshot;

use crate::harness::Pf;

#[test]
fn an_unknown_scheme_names_the_known_ones() {
    assert_snapshot!(Pf::new().run(&["caps", "--url", "amqp://x"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: registry: no transport is registered for `amqp:` URLs
    hint: this build knows:
    ");
}

#[test]
fn a_scheme_that_is_not_built_in_names_the_feature() {
    assert_snapshot!(Pf::new().run(&["caps", "--url", "pulsar://x"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: registry: `pulsar:` is not built into this program
    hint: build it with `--features pulsar`
    ");
}

#[test]
fn a_password_on_the_command_line_is_refused() {
    assert_snapshot!(Pf::new().run(&["caps", "--url", "nats://me:secret@host"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: a password in --url can be seen by everybody on this machine
    hint: put it into a file and use `pf context add NAME --url URL --password-file FILE`
    hint: or set PF_PASSWORD and leave only the user name in the URL
    ");
}

#[test]
fn a_wrong_command_gets_a_suggestion() {
    assert_snapshot!(Pf::new().run(&["cpas"]), @"
    exit: 2
    --- stdout

    --- stderr
    error: unrecognized subcommand 'cpas'

      tip: a similar subcommand exists: 'caps'

    Usage: pf [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
}

#[test]
fn a_wrong_context_gets_a_suggestion() {
    let pf = Pf::bare();
    pf.write(".pf.toml", "[contexts.staging]\nurl = \"nats://staging\"\n");
    assert_snapshot!(pf.run(&["caps", "--context", "stagin"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: there is no context `stagin`
    hint: did you mean `staging`?
    ");
}

#[test]
fn a_wrong_configuration_names_the_line() {
    let pf = Pf::bare();
    pf.write(".pf.toml", "output = \"json\"\nuri = \"nats://staging\"\n");
    assert_snapshot!(pf.run(&["caps"]), @"
    exit: 78
    --- stdout

    --- stderr
    error: [HOME]/.pf.toml is wrong at line 2
      caused by: unknown field `uri`, expected one of `context`, `url`, `group`, `output`, `contexts`
    ");
}
