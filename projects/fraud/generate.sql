-- A feed like that of a mobile-money service, of any size: the same rows for the same seed.
--   cupel query -f generate.sql --limit 0 -o csv --out data/raw_fraud.csv     (--var rows=1000000 --var seed=7)
-- Shares, hours and amounts follow what such services publish: payments and cash-outs are most of it, amounts are
-- log-normal, days have their hours, and fraud empties an account by a transfer or a cash-out at any hour.
WITH dice AS (
    SELECT
        i,
        (hash($seed::BIGINT, i, 'kind') % 1000000) / 1e6 AS kind_of,
        (hash($seed::BIGINT, i, 'fraud') % 1000000) / 1e6 AS fraud_of,
        (hash($seed::BIGINT, i, 'hour') % 1000000) / 1e6 AS hour_of,
        hash($seed::BIGINT, i, 'day') % 5 AS day_of,
        hash($seed::BIGINT, i, 'second') % 3600 AS second_of,
        hash($seed::BIGINT, i, 'from') % 900000000 + 100000000 AS from_of,
        hash($seed::BIGINT, i, 'to') % greatest($rows::BIGINT * 4 // 5, 1) + 100000000 AS to_of,
        -- Two normal variables (Box and Muller).
        sqrt(-2 * ln((hash($seed::BIGINT, i, 'n1') % 1000000 + 1) / 1000001.0))
        * cos(2 * pi() * (hash($seed::BIGINT, i, 'n2') % 1000000) / 1e6) AS amount_normal,
        sqrt(-2 * ln((hash($seed::BIGINT, i, 'n3') % 1000000 + 1) / 1000001.0))
        * cos(2 * pi() * (hash($seed::BIGINT, i, 'n4') % 1000000) / 1e6) AS balance_normal,
        (hash($seed::BIGINT, i, 'n5') % 1000000) / 1e6 AS empty_of
    FROM range(1, $rows::BIGINT + 1) AS r(i)
),
kinds AS (
    SELECT
        *,
        fraud_of < 0.027 AS fraud,
        CASE
            WHEN fraud_of < 0.0135 THEN 'TRANSFER'
            WHEN fraud_of < 0.027 THEN 'CASH_OUT'
            WHEN kind_of < 0.34 THEN 'PAYMENT'
            WHEN kind_of < 0.70 THEN 'CASH_OUT'
            WHEN kind_of < 0.91 THEN 'CASH_IN'
            WHEN kind_of < 0.993 THEN 'TRANSFER'
            ELSE 'DEBIT'
        END AS type,
        CASE
            WHEN fraud_of < 0.027 THEN floor(hour_of * 24) -- fraud never sleeps
            WHEN hour_of < 0.04 THEN floor(hour_of * 200)
            ELSE least(23, floor(8 + (hour_of - 0.04) * 16.6))
        END AS hour
    FROM dice
),
amounts AS (
    SELECT
        *,
        round(least(1e7, exp(
            CASE
                WHEN fraud THEN 13.0 + 1.6 * amount_normal
                WHEN type = 'PAYMENT' THEN 9.05 + 0.95 * amount_normal
                WHEN type = 'DEBIT' THEN 8.1 + 0.9 * amount_normal
                WHEN type = 'TRANSFER' THEN 12.9 + 1.1 * amount_normal
                ELSE 11.9 + 0.9 * amount_normal
            END
        )), 2) AS amount
    FROM kinds
),
balances AS (
    SELECT
        *,
        CASE
            WHEN fraud THEN amount
            WHEN empty_of < 0.33 THEN 0
            ELSE round(exp(11.0 + 2.2 * balance_normal), 2)
        END AS old_from,
        CASE WHEN type = 'PAYMENT' OR fraud AND type = 'TRANSFER' THEN 0 ELSE round(exp(12.2 + 1.8 * balance_normal), 2) END AS old_to
    FROM amounts
)
SELECT
    i AS "transactionID",
    (day_of * 24 + hour)::BIGINT AS step,
    type,
    amount,
    'C' || from_of AS "nameOrig",
    old_from AS "oldbalanceOrg",
    CASE WHEN type = 'CASH_IN' THEN round(old_from + amount, 2) ELSE greatest(0, round(old_from - amount, 2)) END AS "newbalanceOrig",
    if(type = 'PAYMENT', 'M', 'C') || to_of AS "nameDest",
    old_to AS "oldbalanceDest",
    CASE
        WHEN type = 'PAYMENT' OR fraud AND type = 'TRANSFER' THEN 0 -- merchants' balances are not known; mules' are empty again
        WHEN type = 'CASH_IN' THEN greatest(0, round(old_to - amount, 2))
        ELSE round(old_to + amount, 2)
    END AS "newbalanceDest",
    fraud::INTEGER AS "isFraud",
    0 AS "isFlaggedFraud",
    strftime(TIMESTAMP '2023-01-01' + to_seconds((day_of * 24 + hour)::BIGINT * 3600 + second_of), '%Y-%m-%d %H:%M:%S') AS "timestamp"
FROM balances
ORDER BY i
