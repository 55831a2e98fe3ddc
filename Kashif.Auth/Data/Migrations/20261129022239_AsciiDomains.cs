using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Kashif.Auth.Data.Migrations
{
    /// <inheritdoc />
    public partial class AsciiDomains : Migration
    {
        /// <summary>
        /// Gives addresses with a domain outside ASCII the form that registration now stores, as <c>EmailAddress.Clean</c> does. Like it, skips
        /// domains with characters that cannot be seen and domains that are not host names.
        /// </summary>
        protected override void Up(MigrationBuilder migrationBuilder) => migrationBuilder.Sql("""
            -- RFC 3492 section 6.3.
            CREATE OR REPLACE FUNCTION pg_temp.punycode(label text) RETURNS text LANGUAGE plpgsql AS $$
            DECLARE
                alphabet CONSTANT text := 'abcdefghijklmnopqrstuvwxyz0123456789';
                points CONSTANT int[] := ARRAY(SELECT ascii(c) FROM regexp_split_to_table(label, '') WITH ORDINALITY AS letter (c, place) ORDER BY place);
                basic CONSTANT int := (SELECT count(*) FROM unnest(points) AS point WHERE point < 128);
                encoded text := (SELECT coalesce(string_agg(chr(point), '' ORDER BY place), '') FROM unnest(points) WITH ORDINALITY AS letter (point, place) WHERE point < 128);
                handled int := basic;
                n int := 128;
                delta int := 0;
                bias int := 72;
                next int;
                point int;
                q int;
                k int;
                t int;
            BEGIN
                IF basic > 0 THEN
                    encoded := encoded || '-';
                END IF;
                WHILE handled < cardinality(points) LOOP
                    next := (SELECT min(value) FROM unnest(points) AS value WHERE value >= n);
                    delta := delta + (next - n) * (handled + 1);
                    n := next;
                    FOREACH point IN ARRAY points LOOP
                        IF point < n THEN
                            delta := delta + 1;
                        ELSIF point = n THEN
                            q := delta;
                            k := 36;
                            LOOP
                                t := least(greatest(k - bias, 1), 26);
                                EXIT WHEN q < t;
                                encoded := encoded || substr(alphabet, t + (q - t) % (36 - t) + 1, 1);
                                q := (q - t) / (36 - t);
                                k := k + 36;
                            END LOOP;
                            encoded := encoded || substr(alphabet, q + 1, 1);
                            delta := CASE WHEN handled = basic THEN delta / 700 ELSE delta / 2 END;
                            handled := handled + 1;
                            delta := delta + delta / handled;
                            k := 0;
                            WHILE delta > 455 LOOP
                                delta := delta / 35;
                                k := k + 36;
                            END LOOP;
                            bias := k + 36 * delta / (delta + 38);
                            delta := 0;
                        END IF;
                    END LOOP;
                    delta := delta + 1;
                    n := n + 1;
                END LOOP;
                RETURN 'xn--' || encoded;
            END $$;

            CREATE OR REPLACE FUNCTION pg_temp.clean(email text) RETURNS text LANGUAGE sql AS $$
                SELECT left(email, -length(domain)) || (
                    SELECT string_agg(CASE WHEN label ~ '[^[:ascii:]]' THEN pg_temp.punycode(label) ELSE label END, '.' ORDER BY place)
                    FROM regexp_split_to_table(normalize(lower(domain), NFKC), '[.。]') WITH ORDINALITY AS part (label, place))
                FROM (SELECT substring(email FROM '[^@]*$') AS domain) AS address
            $$;

            DO $$
            DECLARE
                account record;
                cleaned text;
            BEGIN
                FOR account IN SELECT id, email FROM users WHERE substring(email FROM '[^@]*$') ~ '[^[:ascii:]]' ORDER BY id LOOP
                    CONTINUE WHEN substring(account.email FROM '[^@]*$')
                        ~ '[\u00AD\u034F\u0600-\u0605\u061C\u06DD\u070F\u0890\u0891\u08E2\u115F\u1160\u17B4\u17B5\u180B-\u180F\u2000-\u200F\u2028-\u202F\u205F-\u206F\u3000\u3164\uFE00-\uFE0F\uFEFF\uFFA0\uFFF9-\uFFFB\U000E0001-\U000E01EF]'
                        OR normalize(substring(account.email FROM '[^@]*$'), NFKC) ~ '(^|[.。])-|-([.。]|$)';
                    cleaned := pg_temp.clean(account.email);
                    CONTINUE WHEN substring(cleaned FROM '[^@]*$') !~ '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$';
                    IF length(cleaned) <= 254 AND NOT EXISTS (SELECT FROM users WHERE normalized_email = upper(cleaned)) THEN
                        UPDATE users SET email = cleaned, normalized_email = upper(cleaned) WHERE id = account.id;
                        UPDATE email_tokens SET email = cleaned WHERE user_id = account.id AND email = account.email;
                    END IF;
                END LOOP;
            END $$;
            """);

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            // Both versions can use the ASCII form.
        }
    }
}
