//! Lines that are secrets and lines that are not.

use super::*;

fn kinds(rules: Rules, line: &str) -> Vec<Kind> {
    find_by(rules, line).into_iter().map(|secret| secret.kind).collect()
}

#[track_caller]
fn hold(rules: Rules, lines: &[(Kind, &str)]) {
    let wrong: Vec<_> = lines.iter().filter(|(kind, line)| kinds(rules, line) != [*kind]).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[track_caller]
fn pass(rules: Rules, lines: &[&str]) {
    let wrong: Vec<_> = lines.iter().filter(|line| !kinds(rules, line).is_empty()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn before_a_commit_these_are_secrets() {
    use Kind::*;
    hold(
        Rules::Commit,
        &[
            (OpenAiKey, r#"const k = "sk-abcdefgh12345678""#),
            (OpenAiKey, "key: sk-proj-Ab3dEf6hIj9kLmNoPqRsTuVwXyZ012345"),
            (OpenAiKey, "OPENAI=sk-abcdefgh"),
            (OpenAiKey, r#"api_key = "sk-ant-api03-abcdefghij0123456789""#),
            (GitHubToken, "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
            (GitHubToken, "token=gho_0123456789abcdefghij"),
            (GitHubToken, "'ghs_0123456789abcdefghij'"),
            (GitHubToken, "ghu_0123456789abcdefghij;"),
            (GitHubToken, "github_pat_11ABCDEFG0123456789_abcdefghijklmnop"),
            (AwsKeyId, r#"aws = "AKIAABCDEFGHIJKLMNOP""#),
            (AwsKeyId, "id: ASIAABCDEFGHIJKLMNOP"),
            (AwsSecret, "aws_secret_access_key = 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"),
            (AwsSecret, r#"secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzzzzzzKEYa","#),
            (AzureKey, "x;AccountName=a;AccountKey=abcdefghijklmnopqrstuvwxyz0123456789+/==;y"),
            (GcpKey, "AIzaSyA0123456789abcdefghijklmnopqrstuv"),
            (SlackToken, "xoxb-123456789012-abcdefghijkl"),
            (SlackToken, "slack: 'xoxp-1234567890'"),
            (StripeKey, "sk_live_0123456789abcdef"),
            (StripeKey, "pk_live_0123456789abcdef"),
            (Jwt, "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N"),
            (PrivateKey, "-----BEGIN RSA PRIVATE KEY-----"),
            (PrivateKey, "-----BEGIN PRIVATE KEY-----"),
            (PrivateKey, r#"key = "-----BEGIN OPENSSH PRIVATE KEY-----\nb3Blbn""#),
            (PrivateKey, "-----BEGIN PGP PRIVATE KEY BLOCK-----"),
            (ConnectionString, "postgres://admin:s3cr3t@db.internal:5432/app"),
            (ConnectionString, r#"url = "mongodb+srv://al:hunter2@cluster0.mongodb.net/x""#),
            (ConnectionString, "redis://:p4ss@cache:6379"),
            (ConnectionString, "https://al:hunter2@git.internal/x.git"),
            (ConnectionString, "Server=db;User Id=sa;Password=Sup3rS3cret;"),
            (ConnectionString, r#""jdbc:mysql://db/x?user=root&password=Sup3rS3cret""#),
            (ApiKey, r#"apiKey: "0123456789abcdef""#),
            (ApiKey, "api-key = '0123456789abcdef'"),
            (ApiKey, r#"const API_KEY: &str = "0123456789abcdef";"#),
            (ApiKey, r#"var apiKey string = "0123456789abcdef""#),
            (ApiKey, r#"private static final String API_KEY = "0123456789abcdef";"#),
            (ApiKey, r#"apiKey := "0123456789abcdef""#),
            (Password, r#"password = "hunter2hunter2""#),
            (Password, r#""db_password": "hunter2hunter2","#),
            (Password, r#"{\"password\": \"hunter2hunter2\"}"#),
            (Password, "'password' => 'hunter2hunter2',"),
            (Password, r#"config["password"] = "hunter2hunter2""#),
            (Password, r#"connect(host="db", password="hunter2hunter2")"#),
            (Password, r#"password = b"hunter2hunter2""#),
            (Password, r#"password = "correct horse battery staple""#),
            (Password, r#"PASSWORD="greatestpassword1""#),
            (Password, "export DB_PASSWORD='hunter2hunter2'"),
            (Secret, r#"client_secret = "0123456789abcdef""#),
            (Secret, r#"SECRET_KEY = "dj4ng0-ins3cure""#),
            (Token, r#"access_token: "0123456789abcdef""#),
            (Token, "authToken = `0123456789abcdef`"),
            (Token, "x = 1; token='0123456789abcdef'; y = 2"),
        ],
    );
}

#[test]
fn before_a_commit_these_are_none() {
    pass(
        Rules::Commit,
        &[
            "const tokenizer = makeTokenizer();",
            "let token = next_token(&mut input);",
            r#"let token = lexer.expect("identifier or string")?;"#,
            "if token == \"abcdefgh12\" {",
            "if (password != 'abcdefgh12')",
            "const password = process.env.DB_PASSWORD;",
            r#"password = os.environ["DB_PASSWORD_PRODUCTION"]"#,
            r#"password: "${DB_PASSWORD}""#,
            r#"password: "$DB_PASSWORD""#,
            r#"password: "{{ vault_password }}""#,
            "token: ${{ secrets.GITHUB_TOKEN }}",
            r#"token: "<your token here>""#,
            r#"api_key = "your-api-key-here""#,
            r#"password = "changeme123""#,
            r#"password = "testpassword""#,
            r#"password = "fake-password""#,
            r#"secret: "dummy-secret""#,
            r#"apiKey = "EXAMPLE-0123456789""#,
            "AKIAIOSFODNN7EXAMPLE",
            r#"password = "short""#,
            r#"password = """#,
            r#"password = "********""#,
            r#"password = "xxxxxxxxxxxx""#,
            r#""password": "Enter your password","#,
            r#"error.password = "Password is required""#,
            "password: string;",
            "password: str = None",
            "function f(password: string, token: string) {}",
            "postgres://${USER}:${PASSWORD}@db/app",
            "postgres://user:<password>@db/app",
            "postgres://localhost:5432/app",
            "https://github.com/x/y@v1",
            "https://host:8080/path?mail=a@b",
            "git@github.com:x/y.git",
            "task-management-system",
            ".sk-fading-circle { }",
            "sk-loading",
            "risk-assessment-12345678",
            "sk_test_0123456789abcdef",
            "AKIAabcdefghijklmnop",
            "AKIAABCDEFGHIJKLMNOPQ",
            "XAKIAABCDEFGHIJKLMNOP",
            "eyJhbGciOiJIUzI1NiJ9",
            "-----BEGIN PUBLIC KEY-----",
            "-----BEGIN CERTIFICATE-----",
            "the private key begins with BEGIN PRIVATE KEY",
            "ghp_short",
            "export PWD='/home/someone/work'",
            r#"password_field = "password-input""#,
            r#"token_url = "https-oauth-token""#,
            r#"password = "hunter2hunter2" # pragma: allowlist secret"#,
            r#"password = "hunter2hunter2" // crewkit:allow-secret"#,
            "password_file: /run/secrets/db_password",
            r#"password = "/run/secrets/db_password""#,
            "std::secret::Token::new",
            "Unexpected { token: &'a str, expected: Vec<u8> },",
            r#"print("shlex: token=" + repr(raw) + ", " + repr(x))"#,
            "def ask(prompt='Password: ', stream=None, fallback='nothing'):",
            r"_token = r'(?:[%s]+|%s)' % (_punct, _core)",
            r#"AttributeOID.CHALLENGE_PASSWORD: "challengePassword","#,
            r#"const ACCESS_TOKEN = "access_token";"#,
        ],
    );
}

#[test]
fn the_gate_takes_hard_evidence_alone() {
    use Kind::*;
    hold(
        Rules::Gate,
        &[
            (OpenAiKey, "sk-abcdefghij0123456789"),
            (OpenAiKey, "sk-proj-abcdefghij0123456789"),
            (GitHubToken, "ghp_0123456789abcdefghijABCDEFGHIJ012345"),
            (GitHubToken, "ghr_0123456789abcdefghij"),
            (AwsKeyId, "ASIAABCDEFGHIJKLMNOP"),
            (Password, r#"password = "hunt""#),
            (ConnectionString, "CONNECTION_STRING=Server=db"),
            (ConnectionString, r#"connectionString: "Server=db;Database=x""#),
            (ConnectionString, "mysql://root:hunter2@db/x"),
            (PrivateKey, "-----BEGIN EC PRIVATE KEY-----"),
        ],
    );
    pass(
        Rules::Gate,
        &[
            "sk-abcdefgh12345678",
            "ghp_0123456789abcdefghij",
            r#"password = "abc""#,
            r#"apiKey: "0123456789abcdef""#,
            "password = readPassword()",
            "connectionString = buildConnectionString()",
            r#"password = "test1234""#,
            r#"connectionString: "${DATABASE}""#,
        ],
    );
}

#[test]
fn assignments_of_any_value() {
    use Kind::*;
    let config = Rules::Assignments { code: false };
    hold(
        config,
        &[
            (ApiKey, "API_KEY=abcdef123456"),
            (Password, "PASSWORD=hunter2hunter2"),
            (Password, "export DB_PASSWORD=x9"),
            (Password, "password: hunter2 # the old one"),
            (Password, r#"  "password": "h2","#),
            (Secret, "APP_SECRET = s3cr3t"),
            (Token, "github.token=abcdef123456"),
            (Token, "TOKEN: abcdef"),
            (ConnectionString, "AZURE_CONNECTION_STRING=Endpoint=sb://x"),
            (PrivateKey, "-----BEGIN RSA PRIVATE KEY-----"),
        ],
    );
    pass(
        config,
        &[
            "API_KEY=",
            "API_KEY=$OTHER",
            "API_KEY=${OTHER:-}",
            "password: null",
            "token: true",
            "pad_token: 0",
            "secret: !vault |",
            "Password: must be eight characters or more",
            "const tokenizer = makeTokenizer();",
            "token is needed",
            "tokens=4096",
            "const token = makeToken();",
            "API_KEY=your-key",
            "API_KEY=changeme",
            "      id-token: write # for publishing",
        ],
    );
    let code = Rules::Assignments { code: true };
    hold(code, &[(Password, r#"password = "h2""#), (Password, "// PASSWORD=hunter2")]);
    pass(code, &["let token = next;", "password: string", "token = stream.next", "self.secret = secret"]);
}

#[test]
fn values_are_masked_and_placed() {
    let text =
        "a\n  password = \"hunter2hunter2\"\nid AKIAABCDEFGHIJKLMNOP ghp_0123456789abcdefghij\npostgres://al:pw@h\n";
    let shown: Vec<_> = find(text).into_iter().map(|secret| (secret.line, secret.column, secret.masked)).collect();
    let wanted = [(2, 15, "hu***"), (3, 4, "AKIA***"), (3, 25, "ghp_***"), (4, 1, "postgres://al:***")];
    assert_eq!(shown, wanted.map(|(line, column, masked)| (line, column, masked.to_owned())));
    assert_eq!(find(r#"password = "short567""#)[0].masked, "***");
    assert_eq!(find(b"password = \"\xff\x1b345678901234\"".as_slice())[0].masked, "??***");
}

#[test]
fn hard_text_takes_linear_time() {
    for part in ["password=\"", "sk-", "eyJ", "://a:", "AccountKey=", "-----BEGIN ", "token: ", "=", ":", "ghp_a"] {
        let text = part.repeat((1 << 20) / part.len());
        let started = std::time::Instant::now();
        let _ = find(&text);
        assert!(started.elapsed() < std::time::Duration::from_secs(8), "{part}: {:?}", started.elapsed());
    }
}

proptest::proptest! {
    #[test]
    fn no_text_panics_and_no_value_is_told(bytes in r#"(password|token|sk-|eyJ|AKIA|://|@|[:="'\\ .,;a-zA-Z0-9é\n]){0,60}"#) {
        for rules in [Rules::Commit, Rules::Gate, Rules::Assignments { code: false }, Rules::Assignments { code: true }] {
            for secret in find_by(rules, &bytes) {
                assert!(secret.masked.ends_with("***") && secret.line <= bytes.lines().count());
            }
        }
    }
}
