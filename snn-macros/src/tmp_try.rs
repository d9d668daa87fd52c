use super::*;
#[test]
fn try_it() {
    for f in std::env::var("TRY").unwrap_or_default().split(',') {
        let src = std::fs::read_to_string(f).unwrap();
        let tokens: TokenStream = src.parse().unwrap();
        let root = quote!(::snn::__private);
        let mut d = Diagnostics::new();
        let nets = front(tokens, &root, &mut d);
        let failed = d.has_errors();
        for m in d.finish() {
            println!("== line {}: {:?} {m}\n", m.blame.line(), m.level);
        }
        if !failed {
            for n in nets {
                let n = plan::plan(n);
                println!("{}", prettyplease::unparse(&syn::parse2(expand::expand(&n, &root)).unwrap()));
            }
        }
    }
}
